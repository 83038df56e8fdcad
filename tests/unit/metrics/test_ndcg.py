"""Exponential gains: any grade is finite, and ordinary ones have the values of the formula as it is written."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.metrics import evaluate, parse_metrics, tie_bounds
from evalkit.metrics.sweep import sweep_depths
from evalkit.records import Qrels, Run

METRICS = parse_metrics(["nDCG(dcg='exp-log2')@10", "nDCG(dcg='exp-log2')"])


def as_written(grades: list[int], ideal: list[int], cutoff: int | None) -> float:
    """Return the value with gains of ``2**grade - 1``, summed in order."""

    def dcg(listed: list[int]) -> np.float64:
        gains = np.exp2(np.maximum(np.array(listed[:cutoff]), 0).astype(np.float64)) - 1.0
        return np.bincount(
            np.zeros(len(gains), dtype=np.int64), gains / np.log2(np.arange(1.0, len(gains) + 1) + 1.0)
        )[0]

    return float(dcg(grades) / dcg(sorted(ideal, reverse=True)))


def in_order(docs: list[str]) -> Run:
    """Return a run of one query without ties."""
    return Run.from_rows("t", ["q"] * len(docs), docs, [-float(n) for n in range(len(docs))])


@pytest.mark.parametrize("highest", [1, 2, 3, 4, 7, 15, 40])
def test_ordinary_grades_have_the_values_of_the_formula(highest: int) -> None:
    """Bit for bit: gains are divided by a power of two, which changes no digit."""
    rng = np.random.default_rng(highest)
    for _ in range(40):
        grades = {f"d{n}": int(grade) for n, grade in enumerate(rng.integers(-1, highest + 1, 30))}
        grades["d0"] = highest
        docs = [f"d{n}" for n in rng.permutation(30)[:25]]
        found = evaluate(in_order(docs), Qrels({"q": grades}), METRICS).values[0].tolist()
        listed = [grades[doc] for doc in docs]
        assert found == [as_written(listed, list(grades.values()), cutoff) for cutoff in (10, None)]


@pytest.mark.parametrize("highest", [100, 1000, 5000])
def test_high_grades_are_finite(highest: int) -> None:
    """Thousands of documents of the highest grade: values, tie bounds and values at depths are ratios from 0 to 1."""
    docs = [f"d{n:04d}" for n in range(3000)]
    qrels = Qrels({"q": {doc: highest - n % 3 for n, doc in enumerate(docs)}})
    run = in_order(docs)
    tied = Run.from_rows("t", ["q"] * len(docs), docs, [1.0] * len(docs))
    bounds = tie_bounds(tied, qrels, METRICS)
    swept = sweep_depths(run, run, qrels, METRICS, 20, "dropped").values
    for values in (evaluate(run, qrels, METRICS).values, bounds.expected.values, bounds.best.values, swept):
        assert np.isfinite(values).all()
        assert ((values > 0) & (values <= 1 + 1e-12)).all()
    assert bounds.best.values[0] == pytest.approx(1.0)
