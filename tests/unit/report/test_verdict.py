"""The decision of a report: one test for each kind of verdict, and the law that binds them all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.documents import comparison, comparisons

from evalkit.comparison import Comparison
from evalkit.comparison.plan import JUDGE_ONLY, MIXED, UNKNOWN, Corrected
from evalkit.comparison.plan import Verdict as PlanVerdict
from evalkit.report.comparison_sentences import findings
from evalkit.report.decision import Decision, decide
from evalkit.report.undecided import reason
from evalkit.report.verdict import Verdict, verdicts
from evalkit.results.comparison_document import Comparisons

WORSE = {"difference": -0.03, "lower": -0.05, "upper": -0.01}
SAME = {"difference": 0.0, "lower": 0.0, "upper": 0.0, "detectable": None}
CORRECTED = Corrected("luna", 40, 60, 0.5)
UNCLEAR = {"difference": 0.003, "lower": -0.004, "upper": 0.01}


def decided(compared: Comparisons, status: str = "complete") -> Decision:
    """Return the decision of a comparison."""
    return decide(verdicts(compared), compared, status)


def text_of(decision: Decision) -> str:
    """Return all sentences of a decision."""
    return f"{decision.line}. {decision.detail}".strip()


def test_the_best_of_those_that_are_better_is_adopted() -> None:
    """With its gain, interval, depth, queries and correction, and who shows no significant difference from it."""
    compared = comparisons(
        comparison("y", contender_mean=0.55),
        comparison("x", contender_mean=0.56),
        tied={"x": ["y", "z", "bm25"]},
    )
    assert text_of(decided(compared)) == (
        "Adopt: x ranks better than bm25. +0.041 nDCG@10 (95 % CI 0.028 to 0.054) with up to 50 candidates, 300"
        " queries, significant after correction for 2 comparisons. y and z show no significant difference from x."
    )


@pytest.mark.parametrize(
    ("contenders", "expected"),
    [
        ([], "Undecided: Nothing was compared with bm25."),
        ([comparison("x", n=0, contender_mean=None)], "Undecided: Nothing was compared with bm25."),
        (
            [comparison("x", "too few queries", n=12)],
            (
                "Undecided: 12 queries are too few for a verdict. A verdict needs at least 30 queries. x differs from"
                " bm25 by +0.041 nDCG@10 (95 % CI 0.028 to 0.054)."
            ),
        ),
        (
            [
                comparison("same", "identical", contender_mean=0.6, **SAME),
                comparison("x", "not told apart", **UNCLEAR),
                comparison("y", "worse", contender_mean=0.1, **WORSE),
            ],
            (
                "Keep: No system ranks significantly better than bm25. The closest is same: 0.000 nDCG@10"
                " (95 % CI 0.000 to 0.000), 300 queries."
            ),
        ),
        (
            [
                comparison("rand", "not told apart", **UNCLEAR),
                comparison("same", "identical", contender_mean=0.4, **SAME),
            ],
            (
                "Keep: No system ranks significantly better than bm25. The highest mean is that of rand: +0.003 nDCG@10"
                " (95 % CI -0.004 to 0.010), 300 queries. With 300 queries this test detects a difference of 0.020 with"
                " 80 % power."
            ),
        ),
        (
            [comparison("x", "worse", **WORSE), comparison("y", n=0, contender_mean=None)],
            "Keep: x ranks worse than bm25. x: -0.030 nDCG@10 (95 % CI -0.050 to -0.010), 300 queries.",
        ),
        (
            [
                comparison("x", "worse", **WORSE),
                comparison("y", "worse", contender_mean=0.1, **WORSE),
                comparison("z", n=0, contender_mean=None),
            ],
            (
                "Keep: Every other scored system ranks worse than bm25. x: -0.030 nDCG@10 (95 % CI -0.050 to -0.010),"
                " 300 queries."
            ),
        ),
        (
            [comparison("x", "not told apart", **UNCLEAR)],
            (
                "Keep: x does not rank significantly better than bm25. x: +0.003 nDCG@10"
                " (95 % CI -0.004 to 0.010), 300 queries. With 300 queries this test detects a difference of 0.020 with"
                " 80 % power."
            ),
        ),
        (
            [comparison("x", "not told apart"), comparison("y", "worse", contender_mean=0.1, **WORSE)],
            (
                "Keep: No system ranks significantly better than bm25. The closest is x: +0.041 nDCG@10"
                " (95 % CI 0.028 to 0.054), 300 queries. The sign-flip test and the interval disagree."
            ),
        ),
        (
            [comparison("x", "worse", **WORSE), comparison("y", "worse", contender_mean=0.1, **WORSE)],
            (
                "Keep: Every other system ranks worse than bm25. x: -0.030 nDCG@10 (95 % CI -0.050 to -0.010), 300"
                " queries."
            ),
        ),
        (
            [comparison("x", "identical", **SAME)],
            (
                "Keep: No system differs from bm25 on any query. x: 0.000 nDCG@10 (95 % CI 0.000 to 0.000), 300"
                " queries."
            ),
        ),
    ],
)
def test_every_other_kind_of_verdict(contenders: list[Comparison], expected: str) -> None:
    """Nothing compared, too few queries, no significant difference, all worse, all the same."""
    assert text_of(decided(comparisons(*contenders))) == expected


def test_several_datasets_agree_or_do_not() -> None:
    """Agreement comes with the mean over datasets; disagreement names the verdict of each dataset."""
    compared = comparisons(comparison("x"), pooled=[comparison("x", difference=0.05)])
    adopt, keep = Verdict("a", "adopt", "x", "", "", ("x",)), Verdict("b", "keep", "bm25", "", "", ("bm25",))
    twice = replace(compared, datasets=compared.datasets * 2)
    assert text_of(decide([adopt, adopt], twice)) == (
        "Adopt: x ranks better than bm25 on all 2 datasets. Mean difference: +0.050 nDCG@10 (95 % CI 0.028 to 0.054)."
    )
    assert text_of(decide([keep, keep], compared)) == (
        "Keep: No system ranks significantly better than bm25 on any of 2 datasets."
    )
    assert text_of(decide([adopt, keep, Verdict("c", "undecided", None, "")], compared)) == (
        "Undecided: The 3 datasets do not agree. Verdicts: adopt x on a, keep bm25 on b, undecided on c."
    )
    assert text_of(decide([], compared)) == "Undecided: Quality was not measured."


@given(
    verdict=st.sampled_from(["better", "worse", "not told apart", "identical", "too few queries"]),
    lower=st.none() | st.floats(-1, 1),
    width=st.floats(0, 1),
)
def test_adopt_is_never_said_where_the_interval_includes_zero(
    verdict: str, lower: float | None, width: float
) -> None:
    """Whatever the test says: no interval above 0, no adoption."""
    upper = None if lower is None else lower + width
    decision = decided(comparisons(comparison("x", verdict, lower=lower, upper=upper)))
    adopts = lower is not None and lower > 0 and verdict == "better"
    assert (decision.kind == "adopt") == adopts
    assert ("Adopt" in text_of(decision)) == adopts


def test_the_decision_on_an_incomplete_result_is_provisional() -> None:
    """The missing part may change it, so the label says so."""
    decision = decided(comparisons(comparison("x")), "incomplete")
    assert decision.line == "Adopt (provisional): x ranks better than bm25"


def test_an_undecided_system_keeps_nothing() -> None:
    """Where nothing is better and one claim is withheld, the baseline is not kept: the reason comes first."""
    withheld = comparison("x", "undecided: failed queries", left_out=7)
    compared = comparisons(withheld, comparison("y", "worse", contender_mean=0.1, **WORSE))
    assert text_of(decided(compared)) == (
        "Undecided: Failed queries could change the result of x. 7 queries have no scores from one or both systems."
        " Fix the cause in failures.jsonl and resume the run."
    )
    other = decided(comparisons(withheld, comparison("y", contender_mean=0.45)))
    assert other.kind == "adopt"
    assert other.detail.endswith("Undecided: x.")


@pytest.mark.parametrize(
    ("verdict", "headline"), [(JUDGE_ONLY, "Judge only"), (MIXED, "Judge grades included")]
)
@pytest.mark.parametrize("other", ["better", "worse", "not told apart", "identical", "too few queries"])
def test_grades_of_models_are_an_indication(verdict: PlanVerdict, other: PlanVerdict, headline: str) -> None:
    """Nothing is adopted or kept; the difference is shown, and also over several datasets nothing is agreed on."""
    withheld = comparisons(
        comparison("x", verdict, contender_mean=0.9), comparison("y", verdict, contender_mean=0.1)
    )
    found = decided(withheld)
    assert found.kind == "undecided"
    assert found.choice is None
    assert found.headline.startswith(headline)
    assert "+0.041" in found.detail
    assert "(indication)" in found.detail
    of_people = comparisons(comparison("x", other))
    both = replace(withheld, datasets=(*withheld.datasets, *of_people.datasets))
    assert decided(both).kind == "undecided"


def test_no_judgment_is_said() -> None:
    """Where no query is judged, that is the finding."""
    compared = comparisons(comparison("x", n=0, contender_mean=None))
    (entry,) = compared.datasets
    unjudged = replace(compared, datasets=(replace(entry, unjudged_queries=40),))
    assert text_of(decided(unjudged)) == (
        "Undecided: No query is judged. All 40 queries are unjudged, so there is no quality to compare."
    )


@pytest.mark.parametrize(
    ("verdict", "changes"),
    [
        ("undecided: failed queries", {"left_out": 2}),
        (UNKNOWN, {"left_out": 2}),
        ("undecided: failed queries", {}),
    ],
)
def test_no_test_is_claimed_that_was_not_made(verdict: PlanVerdict, changes: dict[str, int]) -> None:
    """A corrected claim on failed queries is withheld without a test that counts them against it."""
    for corrected, words in ((None, "not significant"), (CORRECTED, "a corrected difference has no test")):
        found = comparisons(comparison("x", verdict, corrected=corrected, **changes))
        assert words in reason(found.datasets[0].comparisons[0], found.datasets[0])


def test_what_a_difference_rests_on_is_said_once() -> None:
    """The sentence on the power of its test does not repeat it."""
    one = comparison("x", "not told apart", corrected=CORRECTED, **UNCLEAR)
    for text in (text_of(decided(comparisons(one))), *findings(comparisons(one))):
        assert text.count("corrected (40 human + 60 judge: luna") == 1
        assert "With 300 queries this test detects" in text
