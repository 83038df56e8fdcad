"""Forward passes with ONNX Runtime, on processors."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding.engine import OutOfMemoryError
from evalkit.encoding.library_runtime import CPU_BATCH_TOKENS, MOST_WORKERS, available_threads, first_line
from evalkit.encoding.packing import Padded
from evalkit.errors import InputError

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
"""Names of what an exported model is fed, in their order."""
_QUIET = 4
"""ONNX Runtime's level at which it writes nothing of what it raises as well."""
_LONG = 1024
"""Tokens of one input from which on attention takes memory that is not to be kept."""


class OnnxNetwork:
    """An exported model. Several passes of one thread each share it; a lone pass has all threads.

    Parameters
    ----------
    file
        The exported model.
    precision
        Of its weights, for the manifest.
    threads
        Processor threads; all of this process where None.
    """

    batch_tokens = CPU_BATCH_TOKENS

    def __init__(self, file: Path, precision: str, threads: int | None = None) -> None:
        self._file, self._precision = file, precision
        self._threads = threads or available_threads()
        self.workers = min(self._threads, MOST_WORKERS)
        self._sessions: dict[int, Any] = {}
        self._lock = threading.Lock()
        self._fed = {part.name for part in self._session(1).get_inputs()}

    def forward(self, batch: Padded, worker: int | None) -> NDArray[Any]:
        """Return ``(b, k)`` float32."""
        session = self._session(self._threads if worker is None else self._threads // self.workers)
        parts = zip(INPUTS, (batch.ids, batch.mask, batch.segments), strict=True)
        try:
            fed = {name: part for name, part in parts if name in self._fed}
            (found,) = session.run(None, fed, _giving_back() if batch.ids.shape[1] > _LONG else None)
        except Exception as error:
            if isinstance(error, MemoryError) or "alloc" in str(error).lower():
                raise OutOfMemoryError(first_line(error)) from None
            raise
        return np.asarray(found)

    def facts(self) -> dict[str, Any]:
        """Return what it runs on."""
        import onnxruntime

        return {
            "runtime": f"onnxruntime {onnxruntime.__version__}",
            "device": "cpu",
            "dtype": self._precision,
            "threads": self._threads,
        }

    def _session(self, threads: int) -> Any:
        """Return the model for passes of so many threads; made when it is first needed."""
        with self._lock:
            if threads not in self._sessions:
                self._sessions[threads] = open_session(self._file, threads)
            return self._sessions[threads]


def _giving_back() -> Any:
    """Return options of a pass that gives its memory back; otherwise it is kept, which saves a quarter of the time."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def open_session(file: Path, threads: int) -> Any:
    """Load an exported model.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = _QUIET
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - onnxruntime has classes of its own for everything
        raise InputError(
            f"the exported model {file} cannot be loaded: {first_line(error)}",
            "remove its folder: it is exported anew",
        ) from None
