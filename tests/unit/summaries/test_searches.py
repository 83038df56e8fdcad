"""Fusion, fronts, and a search that is checked on queries it did not see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.documents import summary

from evalkit.comparison import ComparisonSet, Plan, System
from evalkit.fusion import Scale, reciprocal_ranks, weighted
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Qrels, Run
from evalkit.summaries.searches import KEPT_SHARES, search
from evalkit.tuning.front import front

FIRST = Run.from_rows("first", ["q"] * 3, ["a", "b", "c"], [3.0, 2.0, 1.0])
SECOND = Run.from_rows("second", ["q"] * 3, ["a", "b", "c"], [0.1, 0.2, 0.9])


def test_reciprocal_ranks_are_summed() -> None:
    """1 / (60 + rank) in each of both runs."""
    fused = reciprocal_ranks(FIRST, SECOND)
    expected = {"a": 1 / 61 + 1 / 63, "b": 1 / 62 + 1 / 62, "c": 1 / 63 + 1 / 61}
    assert dict(zip(fused.docs("q"), fused.scores.tolist(), strict=True)) == pytest.approx(expected)


@pytest.mark.parametrize(("weight", "order"), [(1.0, ("c", "b", "a")), (0.0, ("a", "b", "c"))])
def test_a_weight_of_one_or_none_is_one_run_alone(weight: float, order: tuple[str, ...]) -> None:
    """And another unit of the scores changes nothing."""
    for factor in (1.0, 1000.0):
        other = Run("s", SECOND.query_ids, SECOND.offsets, SECOND.doc_ids, SECOND.scores * factor)
        fused = weighted(FIRST, other, weight, (Scale.of(FIRST), Scale.of(other)))
        assert fused.docs("q") == order


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=20))
def test_the_front_is_what_nothing_beats(points: list[tuple[int, int]]) -> None:
    """By definition; the best of each column is on it; an unknown column says nothing."""
    counts = np.array(points, dtype=np.float64)
    found = front(counts)
    for i, one in enumerate(points):
        beaten = any(o[0] >= one[0] and o[1] >= one[1] and o != one for o in points)
        assert found[i] == (not beaten)
    unknown = np.column_stack([counts, np.full(len(points), np.nan)])
    assert (front(unknown) == found).all()


@given(st.lists(st.booleans(), min_size=3, max_size=3))
def test_rows_of_a_run_are_kept_or_gone(keep: list[bool]) -> None:
    """In their order; a query without rows is gone."""
    left = FIRST.where(np.array(keep))
    assert left.docs("q") == tuple(d for d, kept in zip("abc", keep, strict=True) if kept)
    assert left.query_ids == (("q",) if any(keep) else ())


def test_a_search_finds_a_fusion_that_helps_and_says_so_on_other_queries() -> None:
    """Two independent opinions are better than each; the plain configuration is among those looked at."""
    rng = np.random.default_rng(4)
    rows, grades = [], {}
    for q in range(300):
        grades[f"q{q}"] = {"d0": 1}
        for d in range(20):
            lift = 1.2 if d == 0 else 0.0
            rows.append((f"q{q}", f"d{d}", rng.normal(lift), rng.normal(lift)))
    first, reranked = (
        Run.from_rows(tag, [r[0] for r in rows], [r[1] for r in rows], [r[column] for r in rows])
        for tag, column in (("bm25", 2), ("r", 3))
    )
    qrels = Qrels(grades)
    systems = {
        run.tag: System(run.tag, run, evaluate(run, qrels, parse_metrics(["RR"])))
        for run in (first, reranked)
    }
    comparison_set = ComparisonSet("d", qrels, systems, first_stage=first, depth=20)
    found = search(comparison_set, "r", Plan(baseline="bm25", primary="RR", seed=1), summary())
    assert len(found.rows) == 8 * 5 * len(KEPT_SHARES)
    best = max(found.rows, key=lambda row: row.tuned or 0.0)
    assert best.on_front
    assert best.fusion in {"0.5 reranker", "rrf"}
    assert best.against_plain.mean.lower > 0
    plain = next(r for r in found.rows if (r.depth, r.fusion, r.threshold) == (20, "none", None))
    assert (plain.against_plain.mean.estimate, plain.against_plain.status) == (0.0, "IDENTICAL")
    assert plain.kept == 20
    half = next(r for r in found.rows if (r.depth, r.fusion, r.kept_share) == (20, "none", 0.5))
    assert half.kept == pytest.approx(10, abs=0.5)
