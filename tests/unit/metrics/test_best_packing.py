"""The best list that fits a budget: exact where possible, an upper bound elsewhere."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from evalkit.metrics import best_packing
from evalkit.metrics.ranked import JudgedLengths


def judged(tokens: list[int], budget: int) -> JudgedLengths:
    """Return documents of one query."""
    sizes = np.array(tokens, dtype=np.int64)
    return JudgedLengths(np.zeros_like(sizes), np.zeros_like(sizes), sizes, budget)


def test_short_documents_of_a_low_gain_may_be_better_than_a_long_one_of_a_high_gain() -> None:
    """Three documents of gain 1 together surpass one of gain 2 that leaves no room."""
    packing = best_packing.best_packing(judged([30, 10, 10, 10], 30), np.array([2.0, 1.0, 1.0, 1.0]), 1)
    assert packing.dcg[0] == pytest.approx(1 + 1 / log2(3) + 1 / 2)
    assert not packing.bound[0]


def test_beyond_the_limit_the_ideal_is_an_upper_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most one document of gain 2 fits, and three documents in all: no list can be better than that."""
    monkeypatch.setattr(best_packing, "MOST_LISTS", 1)
    packing = best_packing.best_packing(judged([30, 10, 10, 10], 30), np.array([2.0, 1.0, 1.0, 1.0]), 1)
    assert packing.dcg[0] == pytest.approx(2 + 1 / log2(3) + 1 / 2)
    assert packing.bound[0]


def test_queries_without_judged_documents_have_no_ideal() -> None:
    """Their value is 0, and no bound."""
    packing = best_packing.best_packing(judged([], 30), np.empty(0), 3)
    assert packing.dcg.tolist() == [0.0, 0.0, 0.0]
    assert not packing.bound.any()
