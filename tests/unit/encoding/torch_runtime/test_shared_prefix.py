"""Whether a model may read shared tokens once: by its configuration, and by the scores of two pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evalkit.encoding.library_errors import OutOfMemoryError
from evalkit.encoding.packing import Padded
from evalkit.encoding.tokens import Item, Tokens
from evalkit.errors import InputError

transformers = pytest.importorskip("transformers", reason="needs the local extra")
shared_prefix = pytest.importorskip("evalkit.encoding.torch_runtime.shared_prefix")
SIZES = {"vocab_size": 30, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
SMALL = {**SIZES, "num_key_value_heads": 2, "intermediate_size": 16, "head_dim": 8}


class Letters:
    """A tokeniser: one token a letter, the query before the document or after it."""

    pad_id = 0
    pads_left = True

    def __init__(self, *, query_first: bool = True) -> None:
        self._query_first = query_first

    def __call__(self, items: Sequence[Item]) -> Tokens:
        """Tokenise."""
        texts = ["".join(item if self._query_first else item[::-1]) for item in items]
        ids = [np.array([ord(letter) for letter in text], dtype=np.int64) for text in texts]
        return Tokens(ids, None, np.zeros(len(ids), dtype=bool))


class Adding:
    """A network whose score is the sum of an input's tokens, off by some number after a prefix."""

    workers, least_shared = 1, 0

    def __init__(self, off: float = 0.0, error: Exception | None = None) -> None:
        self._off, self._error = off, error

    def forward(self, batch: Padded, worker: int | None) -> NDArray[Any]:
        """Add up."""
        assert worker is None
        own = (batch.ids * batch.mask).sum(axis=1, keepdims=True)
        return np.asarray(own if batch.prefix is None else own + batch.prefix + self._off, dtype=np.float64)

    def read_prefix(self, inputs: Padded, worker: int | None) -> object:
        """Return the sum of the prefix, or fail."""
        assert worker is None
        if self._error is not None:
            raise self._error
        return inputs.ids.sum()

    def facts(self) -> dict[str, Any]:
        """Return nothing."""
        return {}


def test_scores_that_agree_allow_sharing() -> None:
    """Differences within rounding, relative to the score, are none."""
    assert shared_prefix.scores_agree(Adding(), Letters(), 1e-5)
    assert shared_prefix.scores_agree(Adding(off=1e-3), Letters(), 1e-5)


@pytest.mark.parametrize(
    "network",
    [
        Adding(off=1.0),
        Adding(off=float("nan")),
        Adding(error=InputError("no such parameter", "none")),
        Adding(error=OutOfMemoryError("too much")),
    ],
    ids=["other scores", "no number", "failure", "memory"],
)
def test_other_scores_and_failures_forbid_it(network: Adding) -> None:
    """A model that reads a prefix in another way, or cannot, is read as a whole."""
    assert not shared_prefix.scores_agree(network, Letters(), 1e-5)


def test_inputs_without_a_common_beginning_share_nothing() -> None:
    """Documents that come first begin with different tokens."""
    assert not shared_prefix.scores_agree(Adding(), Letters(query_first=False), 1e-5)


def qwen2(**config: Any) -> Any:
    """Return a causal model with values of its configuration."""
    return transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**{**SMALL, **config}))


def mistral(**config: Any) -> Any:
    """Return a model whose window is set by its configuration alone."""
    return transformers.MistralForCausalLM(transformers.MistralConfig(**{**SMALL, **config}))


@pytest.mark.parametrize(
    ("make", "keeps"),
    [
        (qwen2, True),
        (lambda: qwen2(use_sliding_window=True, sliding_window=4, max_window_layers=0), False),
        (lambda: mistral(sliding_window=None), True),
        (lambda: mistral(sliding_window=4), False),
        (lambda: SimpleNamespace(config=None), False),
    ],
    ids=["causal", "window in layers", "no window", "window", "own code"],
)
def test_layers_with_windows_forbid_it(make: Callable[[], Any], keeps: bool) -> None:
    """A token that attends to a window only needs other keys and values than those of the prefix."""
    assert shared_prefix.keeps_every_token([SimpleNamespace(model=make())]) is keeps


def test_encoder_decoders_forbid_it() -> None:
    """The encoder's tokens attend to all others."""
    config = transformers.T5Config(vocab_size=30, d_model=16, d_ff=16, num_layers=1, num_heads=2, d_kv=8)
    model = transformers.T5ForConditionalGeneration(config)
    assert not shared_prefix.keeps_every_token([SimpleNamespace(model=model)])
