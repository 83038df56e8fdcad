"""The network returns the output feature of its modules, and says so if none makes it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evalkit.encoding.packing import Padded
from evalkit.errors import InputError

torch = pytest.importorskip("torch", reason="needs the local extra")
torch_network = pytest.importorskip("evalkit.encoding.torch_runtime.torch_network")


class Embedding(torch.nn.Module):  # type: ignore[misc, name-defined]
    """A module whose vectors of tokens are their numbers."""

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """Return the features with ``token_embeddings``."""
        return {**features, "token_embeddings": features["input_ids"].unsqueeze(2).float()}


class Model(torch.nn.Sequential):  # type: ignore[misc, name-defined]
    """A model of sentence-transformers with one module."""

    device, dtype = torch.device("cpu"), torch.float32


def forward(output: str) -> Any:
    """Return what a network returns of two tokens."""
    ids = np.array([[3, 4]])
    batch = Padded(ids, np.ones_like(ids), None)
    return torch_network.TorchNetwork("m", Model(Embedding()), output, {}, threads=1).forward(batch, None)


def test_the_output_is_that_of_the_last_module() -> None:
    """One row for each token that the mask keeps."""
    (found,) = forward("token_embeddings")
    assert found.tolist() == [[3.0], [4.0]]


@pytest.mark.parametrize(
    ("output", "what", "module"),
    [
        ("sentence_embedding", "one vector of a text", "Pooling"),
        ("scores", "a score of a pair", "LogitScore"),
    ],
)
def test_an_output_that_no_module_makes_is_named(output: str, what: str, module: str) -> None:
    """With the modules that the model has, and the one that it lacks."""
    with pytest.raises(InputError) as caught:
        forward(output)
    assert str(caught.value) == f"the model 'm' has no module that makes {what}: its modules are Embedding"
    assert module in str(caught.value.hint)


def test_one_thread_shares_shorter_prefixes_than_several() -> None:
    """Several threads read several batches at once, so a prefix pays from a whole batch after it."""
    alone, several = (
        torch_network.TorchNetwork("m", Model(Embedding()), "scores", {}, threads=threads)
        for threads in (1, 2)
    )
    assert alone.least_shared < several.least_shared == several.batch_tokens
