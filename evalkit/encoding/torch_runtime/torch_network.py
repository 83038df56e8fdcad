"""Forward passes with torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding.embeddings.token_vectors import POSITIONS, Expansion
from evalkit.encoding.library_errors import OutOfMemoryError
from evalkit.encoding.library_runtime import (
    CPU_BATCH_TOKENS,
    MOST_WORKERS,
    available_threads,
    first_line,
    model_errors,
)
from evalkit.encoding.packing import Padded
from evalkit.errors import InputError

DEVICE_BATCH_TOKENS = 32_768
ONE_THREAD_LEAST_SHARED, CPU_LEAST_SHARED, DEVICE_LEAST_SHARED = 256, CPU_BATCH_TOKENS, 4_096
"""Fewest tokens after a shared prefix.

Measured with one thread, a causal model of 12 x 512 and a prefix of 60 tokens: reading the prefix once takes 1.07, 1.20
and 1.34 times less processor time with 262, 329 and 401 tokens after it. Several threads read whole inputs
in several batches at once, so less than a batch after the prefix is not faster. The number for other devices is an
estimate, not measured.
"""
_MADE_BY: Mapping[str, tuple[str, str]] = {
    "scores": ("a score of a pair", "a module that scores, such as LogitScore"),
    "sentence_embedding": ("one vector of a text", "a Pooling module"),
    "token_embeddings": ("vectors of tokens", "a Transformer module"),
}
"""Output feature -> what it is, and the module that makes it."""


class TorchNetwork:
    """Runs a sentence-transformers model on tokens.

    On a CPU it runs several passes with few threads each, which is faster than one pass with all threads.

    Parameters
    ----------
    name
        Folder or hub id, for messages.
    model
        The model, on its device.
    output
        The output feature to return: ``scores``, ``sentence_embedding``, or ``token_embeddings`` for every token
        that is scored.
    features
        Further input features of every batch.
    threads
        Processor threads; None for all that this process may use.
    task
        Role of the texts, if the model distinguishes roles.
    expansion
        Expansion of short inputs.
    """

    def __init__(
        self,
        name: str,
        model: Any,
        output: str,
        features: Mapping[str, Any],
        threads: int | None = None,
        *,
        task: str | None = None,
        expansion: Expansion | None = None,
    ) -> None:
        self._name, self._model, self._output, self._features = name, model, output, dict(features)
        self._task_arguments, self._expansion = {} if task is None else {"task": task}, expansion
        self._threads = threads or available_threads()
        self._on_cpu = model.device.type == "cpu"
        self.workers = min(self._threads, MOST_WORKERS) if self._on_cpu else 1
        self.batch_tokens = CPU_BATCH_TOKENS if self._on_cpu else DEVICE_BATCH_TOKENS
        on_cpu = CPU_LEAST_SHARED if self.workers > 1 else ONE_THREAD_LEAST_SHARED
        self.least_shared = on_cpu if self._on_cpu else DEVICE_LEAST_SHARED

    def forward(self, batch: Padded, worker: int | None) -> NDArray[Any] | list[NDArray[Any]]:
        """Return ``(b, k)`` float32, or ``(t, k)`` of each row's tokens."""
        with self._computing(worker):
            outputs = self._model(self._inputs(batch), **self._task_arguments)
            output = self._output_of(outputs)
            if self._output == "token_embeddings":
                return _scored(output, outputs["attention_mask"].bool())
            return np.asarray(output.float().cpu().numpy())

    def read_prefix(self, inputs: Padded, worker: int | None) -> object:
        """Return keys and values of ``(1, p)`` tokens, for the batches that follow them."""
        from evalkit.encoding.torch_runtime.kept_prefix import read_prefix

        with self._computing(worker):
            return read_prefix(self._model, self._inputs(inputs))

    @contextmanager
    def _computing(self, worker: int | None) -> Iterator[None]:
        """Use the worker's threads, and raise the errors that `Network.forward` names."""
        import torch

        if self._on_cpu:
            # This setting affects only the calling thread.
            torch.set_num_threads(self._threads if worker is None else self._threads // self.workers)
        # A token that the weights lack, for one, as of the tokenizer of another model.
        with model_errors(self._name, "compute a batch"):
            try:
                with torch.inference_mode():
                    yield
            except (torch.OutOfMemoryError, MemoryError) as error:
                raise OutOfMemoryError(first_line(error)) from None
            except RuntimeError as error:
                if "memory" not in str(error):
                    raise
                raise OutOfMemoryError(first_line(error)) from None

    def _output_of(self, outputs: Mapping[str, Any]) -> Any:
        """Return the output feature.

        Raises
        ------
        InputError
            If no module of the model makes it.
        """
        if self._output not in outputs:
            what, module = _MADE_BY[self._output]
            named = ", ".join(type(one).__name__ for one in self._model)
            raise InputError(
                f"the model {self._name!r} has no module that makes {what}: its modules are {named}",
                f"add {module} to its modules.json, as the model was trained",
            )
        return outputs[self._output]

    def _inputs(self, batch: Padded) -> dict[str, Any]:
        """Return the model's input features, on its device."""
        import torch

        added = None
        if self._expansion is not None:
            batch, added = self._expansion.applied(batch)
        parts: dict[str, NDArray[Any] | None] = {
            "input_ids": batch.ids,
            "attention_mask": batch.mask,
            "token_type_ids": batch.segments,
            POSITIONS: added,
        }
        moved = {
            name: torch.from_numpy(part).to(self._model.device)
            for name, part in parts.items()
            if part is not None
        }
        features = {**self._features, **moved}
        return features if batch.prefix is None else batch.prefix.features(features)

    def facts(self) -> dict[str, Any]:
        """Return runtime, device, data type and threads, for the manifest."""
        import torch

        return {
            "runtime": f"torch {torch.__version__}",
            "device": str(self._model.device),
            "dtype": str(self._model.dtype).removeprefix("torch."),
            "threads": self._threads if self._on_cpu else None,
        }


def _scored(embeddings: Any, mask: Any) -> list[NDArray[Any]]:
    """Return ``(t, dimension)`` float32 of each row's scored tokens.

    Parameters
    ----------
    embeddings, mask
        ``(b, t, dimension)`` and ``(b, t)`` tensors.
    """
    ends = mask.sum(dim=1).cumsum(dim=0).cpu().numpy()
    return np.split(embeddings[mask].float().cpu().numpy(), ends[:-1])
