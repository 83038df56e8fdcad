"""Fusion, fronts, and a search that is checked on held-out queries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.documents import billed, cost, summary, timed
from support.systems import noisy_set, run_of, set_of

from evalkit.comparison import Plan
from evalkit.fusion import Scale, reciprocal_ranks, weighted
from evalkit.latency.billing import Billing
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Query, Run
from evalkit.results.search_document import SearchResult
from evalkit.summaries.searches import KEPT_SHARES, search
from evalkit.tuning import split_queries
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
        other = replace(SECOND, scores=SECOND.scores * factor)
        fused = weighted(FIRST, other, weight, (Scale.of(FIRST), Scale.of(other)))
        assert fused.docs("q") == order


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=20))
def test_the_front_is_what_nothing_beats(points: list[tuple[int, int]]) -> None:
    """By its definition; an unknown column changes nothing."""
    counts = np.array(points, dtype=np.float64)
    found = front(counts)
    for i, one in enumerate(points):
        beaten = any(o[0] >= one[0] and o[1] >= one[1] and o != one for o in points)
        assert found[i] == (not beaten)
    unknown = np.column_stack([counts, np.full(len(points), np.nan)])
    assert (front(unknown) == found).all()


@given(st.lists(st.booleans(), min_size=3, max_size=3))
def test_a_run_keeps_the_chosen_rows(keep: list[bool]) -> None:
    """In their order; a query without rows is left out."""
    left = FIRST.where(np.array(keep))
    assert left.docs("q") == tuple(d for d, kept in zip("abc", keep, strict=True) if kept)
    assert left.query_ids == (("q",) if any(keep) else ())


PLAN = Plan(baseline="bm25", primary="RR", seed=1)
EQUAL = noisy_set(300, 20, {"bm25": 1.2, "r": 1.2}, seed=4, metrics=("RR",))
"""Two independent rankings of the same quality."""


@pytest.fixture(scope="module")
def found() -> SearchResult:
    """Return the search over both rankings."""
    return search(EQUAL, "r", PLAN, summary())


def test_a_search_finds_a_fusion_that_helps(found: SearchResult) -> None:
    """Two independent rankings fused are better than each; the held-out queries confirm it."""
    assert len(found.rows) == 8 * 5 * len(KEPT_SHARES)
    best = max(found.rows, key=lambda row: row.tuned or 0.0)
    assert best.on_front
    assert best.fusion in {"0.5 reranker", "rrf"}
    assert best.against_plain.mean.lower is not None
    assert best.against_plain.mean.lower > 0


def test_plain_reranking_is_the_reference(found: SearchResult) -> None:
    """The reranker alone at the full depth keeps every document and does not differ from itself."""
    plain = next(row for row in found.rows if (row.depth, row.fusion, row.threshold) == (20, "none", None))
    assert (plain.against_plain.mean.estimate, plain.against_plain.status) == (0.0, "IDENTICAL")
    assert plain.kept == 20
    values = EQUAL.systems["r"].values.of("RR")[split_queries(300, 1).held_out]
    assert plain.held_out.estimate == pytest.approx(values.mean())
    for row in found.rows:
        difference = (row.held_out.estimate or 0.0) - values.mean()
        assert row.against_plain.mean.estimate == pytest.approx(difference)


def test_every_row_is_an_evaluation_of_its_own(found: SearchResult) -> None:
    """Configurations without fusion, evaluated again from the reranker's list cut by depth and threshold."""
    first, reranked = EQUAL.first_stage, EQUAL.systems["r"].run
    assert first is not None
    split = split_queries(300, 1)
    for row in (row for row in found.rows if row.fusion == "none" and row.depth in {1, 3, 20}):
        lists = {
            q: {
                d: float(s)
                for d, s in zip(docs, scores, strict=True)
                if d in first.docs(q)[: row.depth] and (row.threshold is None or s >= row.threshold)
            }
            for q, docs, scores in reranked
        }
        values = evaluate(run_of("r", lists), EQUAL.qrels, parse_metrics(["RR"])).of("RR")
        assert row.tuned == pytest.approx(values[split.tuning].mean())
        assert row.held_out.estimate == pytest.approx(values[split.held_out].mean())
        assert row.kept == pytest.approx(np.mean([len(docs) for docs in lists.values()]))


def test_thresholds_keep_their_share_of_the_tuning_documents(found: SearchResult) -> None:
    """A share of 1 is no threshold; a smaller share keeps about that part of the depth."""
    for row in found.rows:
        assert (row.threshold is None) == (row.kept_share == 1)
        if row.fusion == "none":
            assert row.kept == pytest.approx(row.kept_share * row.depth, rel=0.1, abs=0.2)


def test_the_front_is_chosen_on_the_tuning_queries(found: SearchResult) -> None:
    """By its definition over quality and documents kept, as latency and cost are unknown."""
    for row in found.rows:
        beaten = any(
            (one.tuned or 0) >= (row.tuned or 0)
            and (one.kept or 0) <= (row.kept or 0)
            and (one.tuned, one.kept) != (row.tuned, row.kept)
            for one in found.rows
        )
        assert row.on_front == (not beaten)
        assert (row.p95_s, row.usd_per_thousand_queries) == (None, None)


def test_latency_and_cost_are_those_of_the_depth() -> None:
    """Measured at depth 20 and 5, interpolated between; the cost is in proportion to the pairs."""
    known = summary(
        latency=[timed("r", 5, 0.1, 0.5), timed("r", 20, 0.1, 2.0)],
        costs=[cost("r", 300, 6000, 4.0)],
        billing=[billed("r", Billing(0.0002))],
    )
    rows = search(EQUAL, "r", PLAN, known).rows
    latencies = {row.depth: row.p95_s for row in rows}
    costs = {row.depth: row.usd_per_thousand_queries for row in rows}
    assert list(latencies) == [1, 2, 3, 5, 7, 10, 15, 20]
    assert [latencies[d] for d in (1, 2, 3)] == [None] * 3
    assert [latencies[d] for d in (5, 7, 10, 15, 20)] == pytest.approx([0.5, 0.7, 1.0, 1.5, 2.0])
    assert costs == pytest.approx({depth: 4.0 * depth / 20 for depth in costs})
    shallow = [row for row in rows if row.depth == 5 and row.on_front]
    assert shallow  # cheaper and faster than any deeper one of the same quality


@pytest.mark.parametrize(
    ("depth", "depths"), [(1, [1]), (2, [1, 2]), (4, [1, 2, 3, 4]), (5, [1, 2, 3, 5]), (6, [1, 2, 3, 5, 6])]
)
def test_depths_are_round_numbers_and_the_deepest(depth: int, depths: list[int]) -> None:
    """The full depth is always searched, whatever its number."""
    comparison_set = noisy_set(20, depth, {"bm25": 1.0, "r": 1.0}, metrics=("RR",))
    assert (
        list(dict.fromkeys(row.depth for row in search(comparison_set, "r", PLAN, summary()).rows)) == depths
    )


def test_without_answerable_queries_there_are_no_rows() -> None:
    """Neither an empty result nor one of unanswerable queries can be searched."""
    empty = set_of({}, run_of("bm25", {}), run_of("r", {}))
    unanswerable = noisy_set(10, 3, {"bm25": 1.0, "r": 1.0}, unanswerable=10)
    for comparison_set in (empty, unanswerable):
        result = search(comparison_set, "r", PLAN, summary())
        assert (result.queries, result.rows, result.metric) == (0, (), "RR")


def test_queries_without_candidates_count_as_zero() -> None:
    """They have no scores and so no threshold, but every mean is over them, too."""
    first, second = (run_of(tag, {"q1": {"a": 1.0}}) for tag in ("bm25", "r"))
    grades = {f"q{i}": {"a": 1} for i in range(1, 5)}
    result = search(set_of(grades, first, second, depth=1, metrics=["RR"]), "r", PLAN, summary())
    plain = next(row for row in result.rows if row.fusion == "none" and row.threshold is None)
    halves = [(plain.tuned or 0.0) * 2, (plain.held_out.estimate or 0.0) * 2]
    assert sum(halves) == pytest.approx(1.0)
    assert plain.kept == pytest.approx(1 / 4)


def test_without_any_candidate_there_is_no_threshold() -> None:
    """The first stage found nothing: every configuration keeps nothing and has the value 0."""
    grades = {f"q{i}": {"a": 1} for i in range(4)}
    nothing = set_of(grades, run_of("bm25", {}), run_of("r", {}), depth=2, metrics=["RR"])
    rows = search(nothing, "r", PLAN, summary()).rows
    assert {row.depth for row in rows} == {1, 2}
    assert {(row.threshold, row.kept, row.tuned) for row in rows} == {(None, 0.0, 0.0)}


def test_repeated_queries_are_one_cluster() -> None:
    """Every query twice under one text: held-out means and bounds are those of one copy."""
    base = noisy_set(80, 6, {"bm25": 0.5, "r": 2.0}, seed=4, metrics=("RR",))
    ids = [(q, f"{q}.{copy}") for q in base.qrels.grades for copy in range(2)]
    runs = []
    for name, system in base.systems.items():
        lists = {q: dict(zip(docs, scores.tolist(), strict=True)) for q, docs, scores in system.run}
        runs.append(run_of(name, {new: lists[q] for q, new in ids}))
    queries = {new: Query(new, q) for q, new in ids}
    grades = {new: base.qrels.of(q) for q, new in ids}
    several = set_of(grades, *runs, depth=6, metrics=("RR",), queries=queries)
    one, more = (search(found, "r", PLAN, summary()).rows for found in (base, several))
    for row, other in zip(one, more, strict=True):
        assert other.held_out.n == 2 * row.held_out.n
        assert (other.held_out.estimate, other.held_out.lower) == pytest.approx(
            (row.held_out.estimate, row.held_out.lower)
        )
        assert other.against_plain.status == row.against_plain.status
