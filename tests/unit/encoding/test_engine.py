"""The scoring engine with scripted tokenisers and networks: no model is needed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evalkit.encoding.engine import Engine
from evalkit.encoding.library_errors import OutOfMemoryError
from evalkit.encoding.packing import Padded
from evalkit.encoding.tokens import Item, Tokens
from evalkit.errors import CallError


class Letters:
    """A tokeniser: one token a letter, cut at twenty."""

    pad_id = 0
    pads_left = False

    def __call__(self, items: Sequence[Item]) -> Tokens:
        """Tokenise."""
        texts = ["".join(item) for item in items]
        ids = [np.array([ord(letter) for letter in text[:20]], dtype=np.int64) for text in texts]
        return Tokens(ids, None, np.array([len(text) > 20 for text in texts], dtype=bool))


class Summing:
    """A network: the sum of a row's tokens. Out of memory beyond `most` tokens a batch."""

    def __init__(self, workers: int = 1, most: int | None = None) -> None:
        self.workers = workers
        self._most = most
        self.rows = 0
        self._lock = threading.Lock()

    def forward(self, batch: Padded, worker: int | None) -> NDArray[Any]:
        """Add up."""
        assert worker is None or 0 <= worker < self.workers
        if self._most is not None and batch.ids.size > self._most:
            raise OutOfMemoryError("too much")
        with self._lock:
            self.rows += len(batch.ids)
        return np.asarray((batch.ids * batch.mask).sum(axis=1, keepdims=True))

    def facts(self) -> dict[str, Any]:
        """Tell nothing."""
        return {}


def wanted(texts: Sequence[str]) -> list[int]:
    """Return what `Summing` makes of texts."""
    return [sum(map(ord, text[:20])) for text in texts]


@pytest.mark.parametrize("workers", [1, 4])
@given(texts=st.lists(st.text("abc", max_size=30), max_size=40), budget=st.integers(1, 100))
def test_results_come_back_in_order(workers: int, texts: list[str], budget: int) -> None:
    """However rows are sorted, batched and spread over workers, each result stands where its text stood."""
    progress: list[int] = []
    network = Summing(workers)
    found = Engine(Letters(), network, budget, model="m").run(texts, progress.append)
    assert [int(row[0]) for row in found.rows] == wanted(texts)
    assert found.tokens.tolist() == [min(len(text), 20) for text in texts]
    assert found.truncated.tolist() == [len(text) > 20 for text in texts]
    assert sum(progress) == len(texts) == network.rows, "each text goes through the network once"


@given(st.lists(st.text("abc", min_size=1, max_size=20), min_size=1, max_size=30))
def test_a_batch_that_does_not_fit_is_halved(texts: list[str]) -> None:
    """Where memory holds one text, every text gets its result; how often that took halving is reported."""
    engine = Engine(Letters(), Summing(2, most=20), 1000, model="m")
    assert [int(row[0]) for row in engine.run(texts).rows] == wanted(texts)
    assert (engine.facts()["batches_halved"] > 0) == (max(map(len, texts)) * len(texts) > 20)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_text_that_does_not_fit_alone_is_a_failure(workers: int) -> None:
    """A single text beyond the memory fails the run, with what to do about it; no worker goes on."""
    with pytest.raises(CallError, match="one input of 20 tokens does not fit") as caught:
        Engine(Letters(), Summing(workers, most=10), 20, model="m").run(["abc", "a" * 20, "b" * 19, "c" * 18])
    assert "max_length_tokens" in str(caught.value.hint)
