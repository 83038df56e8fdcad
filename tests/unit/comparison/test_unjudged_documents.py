"""Claims that unjudged documents could reverse are withheld, and the documents are listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from support.systems import failing, run_of, set_of

from evalkit.comparison import ComparisonSet, Plan
from evalkit.comparison.plan import Verdict
from evalkit.comparison.sensitivity import sensitivity
from evalkit.comparison.unjudged_documents import lists_relevant_only, pooled_with_unjudged, to_judge
from evalkit.records import Qrels
from evalkit.results.comparison_document import DatasetComparisons
from evalkit.summaries.comparisons import compare_sets

PLAN = Plan("a", "nDCG@10", resamples=999)
QUERIES = 40


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
    assert not lists_relevant_only(Qrels({"q": {"a": 1.5, "b": 0.2}}))


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
    some = failing(whole, "b", range(10))
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


@pytest.mark.parametrize("metric", ["AP", "nDCG"])
def test_judged_documents_confirm_nothing_for_a_metric_without_a_cutoff(metric: str) -> None:
    """Such a metric relates to all judged relevant documents, and the pool's own system has all of them."""
    one = judged_set({"r": 1, "n": 0, "x": 0})
    again = set_of(one.qrels.grades, *(s.run for s in one.systems.values()), metrics=(metric,))
    (found,) = compare_sets([again], replace(PLAN, primary=metric)).datasets
    assert found.comparisons[0].verdict == "undecided: unjudged documents"


def test_the_share_of_judged_documents_needs_no_judgments() -> None:
    """Judged@10 is that share: a difference of it does not depend on unjudged documents."""
    one = judged_set({"r": 1, "n": 0, "x": 0})
    again = set_of(one.qrels.grades, *(s.run for s in one.systems.values()), metrics=("Judged@10",))
    (found,) = compare_sets([again], replace(PLAN, primary="Judged@10")).datasets
    assert found.comparisons[0].verdict == "worse"


def test_an_undecided_system_is_tied_with_nothing_it_was_compared_with() -> None:
    """A withheld claim is no tie."""
    found = entry(judged_set({"r": 1, "n": 0, "x": 0}))
    assert found.tied_with == {"a": (), "b": ()}


@pytest.mark.parametrize(
    ("judged", "alone", "verdict"),
    [
        (0.9, "not told apart", "undecided: unjudged documents"),
        (0.9, "better", "better"),
        (0.99, "not told apart", "better"),
    ],
)
def test_a_mean_claims_nothing_over_datasets_that_were_not_checked(
    judged: float, alone: Verdict, verdict: Verdict
) -> None:
    """A pooled claim is withheld where a dataset does not make it and a part of its first documents is unjudged."""
    one = judged_set({"r": 1, "n": 0, "x": 0, "y": 0, "z": 0})
    row = entry(one).comparisons[0]
    found = replace(entry(one).sensitivity[0], judged_baseline=1.0, judged_contender=judged)
    pooled = pooled_with_unjudged(replace(row, verdict="better"), one, replace(row, verdict=alone), found)
    assert pooled.verdict == verdict
