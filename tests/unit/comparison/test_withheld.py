"""Verdicts that are withheld: failed queries and unjudged documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from support.systems import run_of, set_of
from support.worlds import set_of_values

from evalkit.comparison import ComparisonSet, Plan, System, compare
from evalkit.comparison.comparison_set import QueryClusters
from evalkit.comparison.sensitivity import sensitivity
from evalkit.comparison.unjudged_documents import lists_relevant_only, to_judge
from evalkit.records import MetricValues, Qrels, Query
from evalkit.results.comparison_document import DatasetComparisons
from evalkit.summaries.comparisons import compare_sets

PLAN = Plan("a", "nDCG@10", resamples=999)
QUERIES = 40


def without(one: ComparisonSet, name: str, rows: int) -> ComparisonSet:
    """Return a comparison set in which a system failed on its first queries."""
    system = one.systems[name]
    kept = MetricValues(
        name, system.values.metrics, system.values.query_ids[rows:], system.values.values[rows:]
    )
    left_out = system.values.query_ids[:rows]
    return replace(one, systems={**one.systems, name: System(name, system.run, kept, left_out)})


def far_apart(gain: float = 0.3, n: int = 100) -> ComparisonSet:
    """Return a baseline and a contender that is better on every query by about the same."""
    rng = np.random.default_rng(5)
    base = rng.uniform(0.3, 0.5, n)
    return set_of_values({"a": base, "b": base + gain + rng.normal(0, 0.02, n)})


@pytest.mark.parametrize(("failed", "verdict"), [(3, "better"), (60, "undecided: failed queries")])
def test_few_failures_do_not_undo_a_large_gain(failed: int, verdict: str) -> None:
    """A claim stands while counting failures as 0 agrees with it, and is withheld once it does not."""
    (one,) = compare(without(far_apart(), "b", failed), PLAN)
    assert (one.verdict, one.left_out) == (verdict, failed)


@pytest.mark.parametrize(("failed", "verdict"), [(3, "better"), (60, "undecided: failed queries")])
def test_failures_of_the_baseline_count_against_the_contender(failed: int, verdict: str) -> None:
    """What the baseline would have reached is unknown: it counts as the highest value."""
    (one,) = compare(without(far_apart(), "a", failed), PLAN)
    assert one.verdict == verdict


def test_a_loss_is_withheld_in_the_same_way() -> None:
    """*Worse* is not said of a system whose failures could have been its best queries."""
    base = far_apart(-0.05)
    assert compare(without(base, "b", 1), PLAN)[0].verdict == "worse"
    assert compare(without(base, "b", 10), PLAN)[0].verdict == "undecided: failed queries"


def judged_set(judged: Mapping[str, int], **changes: object) -> ComparisonSet:
    """Return a baseline that ranks r first and a contender that ranks n first, with these documents judged."""
    grades = {f"q{i:02}": dict(judged) for i in range(QUERIES)}
    docs = {"a": ["r", "n", "x"], "b": ["y", "z", "r"]}
    runs = [
        run_of(name, {q: {d: 9.0 - place for place, d in enumerate(order)} for q in grades})
        for name, order in docs.items()
    ]
    return replace(set_of(grades, *runs), first_stage=None, **changes)  # type: ignore[arg-type]


def entry(one: ComparisonSet) -> DatasetComparisons:
    """Return the comparisons of one dataset."""
    return compare_sets([one], PLAN).datasets[0]


def test_different_shares_of_judged_documents_withhold_a_claim() -> None:
    """The contender's first documents are unjudged: it is neither worse nor equal, and they are to be judged first."""
    found = entry(judged_set({"r": 1, "n": 0, "x": 0}))
    assert found.comparisons[0].verdict == "undecided: unjudged documents"
    assert {(row.doc_id, row.rank, row.systems) for row in found.to_judge} == {
        ("y", 1, ("b",)),
        ("z", 2, ("b",)),
    }
    assert len(found.to_judge) == 2 * QUERIES
    assert [row.rank for row in found.to_judge] == sorted(row.rank for row in found.to_judge)


def test_judging_them_decides() -> None:
    """Once the documents are judged not relevant the contender is worse, and nothing is left to judge."""
    found = entry(judged_set({"r": 1, "n": 0, "x": 0, "y": 0, "z": 0}))
    assert (found.comparisons[0].verdict, found.to_judge) == ("worse", ())


def test_complete_judgments_can_be_declared() -> None:
    """With ``unjudged: not_relevant`` no verdict waits for judgments."""
    found = entry(judged_set({"r": 1, "n": 0, "x": 0}, unjudged="not_relevant"))
    assert (found.comparisons[0].verdict, found.relevant_only) == ("worse", False)


def test_judgments_of_relevant_documents_alone_are_said_to_be_so() -> None:
    """Without a document that is judged not relevant no rate can be estimated: the assumption is recorded."""
    found = entry(judged_set({"r": 1}))
    assert (found.comparisons[0].verdict, found.relevant_only) == ("worse", True)
    assert lists_relevant_only(Qrels({"q": {"a": 1, "b": 2}}))
    assert not lists_relevant_only(Qrels({"q": {"a": 1, "b": 0}}))


def test_equal_shares_withhold_a_claim_that_unjudged_documents_could_reverse() -> None:
    """Both systems have one of four documents judged, the last; at its rate the others may turn the sign."""
    grades = {f"q{i:02}": {"r": int(i % 5 < 3), "n": int(i % 5 == 3), "s": 1} for i in range(QUERIES)}
    runs = [
        run_of("a", {q: {"t": 9.0, "u": 8.0, "v": 7.0, "r": 6.0} for q in grades}),
        run_of("b", {q: {"w": 9.0, "x": 8.0, "y": 7.0, "n": 6.0} for q in grades}),
    ]
    found = entry(set_of(grades, *runs))
    assert found.sensitivity[0].judged_contender == found.sensitivity[0].judged_baseline
    assert (found.sensitivity[0].reversal or 0.0) > 0.05
    assert found.comparisons[0].verdict == "undecided: unjudged documents"


def test_failed_queries_are_not_unjudged() -> None:
    """Shares and counts of judged documents are those of the queries with scores."""
    whole = judged_set({"r": 1, "n": 0, "x": 0})
    some = without(whole, "b", 10)
    found, other = sensitivity(whole, PLAN, "b"), sensitivity(some, PLAN, "b")
    assert found.judged_contender == pytest.approx(other.judged_contender)
    assert other.unjudged_contender_only == found.unjudged_contender_only * (QUERIES - 10) // QUERIES


def test_the_documents_to_judge_count_with_the_grade_that_the_metric_counts() -> None:
    """Under ``MRR(rel=2)`` a document must get grade 2 to reverse the ranking."""
    one = judged_set({"r": 2, "n": 0, "x": 1, "m": 1})
    plan = replace(PLAN, primary="MRR(rel=2)@10")
    again = set_of(one.qrels.grades, *(s.run for s in one.systems.values()), metrics=(plan.primary,))
    found = sensitivity(again, plan, "b")
    assert found.tipping is not None
    assert found.tipping <= found.tipping_of


def test_nothing_is_to_be_judged_without_undecided_systems() -> None:
    """The list is that of the named contenders."""
    assert list(to_judge(judged_set({"r": 1, "n": 0}), PLAN, [])) == []


def test_clusters_are_queries_with_equal_texts_or_equal_fields() -> None:
    """By text unless a field is named; queries without a value, and unknown ones, are alone."""
    queries = {
        "1": Query("1", "same text", {"user": "u"}),
        "2": Query("2", " same text ", {"user": ""}),
        "3": Query("3", "other", {"user": "u"}),
    }
    assert QueryClusters(queries).of(["1", "2", "3", "4"]).tolist() == [0, 0, 1, 2]  # type: ignore[union-attr]
    assert QueryClusters(queries, "user").of(["1", "2", "3"]).tolist() == [0, 1, 0]  # type: ignore[union-attr]
    assert QueryClusters(queries).of(["1", "3"]) is None
    assert QueryClusters({}).of(["1", "2"]) is None
