"""The two sentences on top of a report: one test for each kind of verdict, and the law that binds them all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.documents import comparison, comparisons, cost, summary, timed

from evalkit.comparison import Comparison
from evalkit.report.headline import headline
from evalkit.report.verdict import Verdict, verdicts
from evalkit.results.comparison_document import Comparisons
from evalkit.results.summary_document import Summary

WORSE = {"difference": -0.03, "lower": -0.05, "upper": -0.01}
SAME = {"difference": 0.0, "lower": 0.0, "upper": 0.0, "detectable": None}
UNCLEAR = {"difference": 0.003, "lower": -0.004, "upper": 0.01}


def said(compared: Comparisons, found: Summary | None = None) -> str:
    """Return what stands on top of the report."""
    return headline(verdicts(compared, found or summary()), compared, "complete")


def test_the_best_of_those_that_are_better_is_adopted() -> None:
    """With its gain, interval and n, latency and cost at its depth, and who is tied with it at which latency."""
    compared = comparisons(
        comparison("y", contender_mean=0.55),
        comparison("x", contender_mean=0.56),
        tied={"x": ["y", "z", "bm25"]},
    )
    found = summary(
        latency=[timed("x", 50, 0.09, 0.182), timed("y", 50, 0.18, 0.3)],
        costs=[cost("x", 300, 15_000), cost("y", 300, 15_000)],
    )
    assert said(compared, found) == (
        "Adopt x at depth 50: +0.0410 [+0.0280, +0.0540] nDCG@10 over bm25 (n = 300), 182 ms p95 for 50 documents,"
        " $0.0400 per 1,000 queries. Tied with it are y (2 times the latency), z."
    )


def test_what_is_not_known_is_left_out() -> None:
    """No latency, no cost, no tie: none is mentioned; a median stands in for a p95 that the calls cannot carry."""
    bare = "Adopt x at depth 50: +0.0410 [+0.0280, +0.0540] nDCG@10 over bm25 (n = 300)"
    compared = comparisons(comparison("x"))
    assert said(compared) == f"{bare}."
    assert said(compared, summary(latency=[timed("x", 50, 0.09)], costs=[cost("x", 300, 45_000)])) == (
        f"{bare}, 90.0 ms median for 50 documents."
    )


@pytest.mark.parametrize(
    ("contenders", "expected"),
    [
        ([], "No verdict: nothing was compared with bm25."),
        ([comparison("x", n=0, contender_mean=None)], "No verdict: nothing was compared with bm25."),
        (
            [comparison("x", "too few queries", n=12)],
            (
                "No verdict: n = 12 queries are too few, 30 are the least. The highest mean is that of x:"
                " +0.0410 [+0.0280, +0.0540] nDCG@10 against bm25."
            ),
        ),
        (
            [
                comparison("same", "identical", contender_mean=0.6, **SAME),
                comparison("x", "not told apart", **UNCLEAR),
                comparison("y", "worse", contender_mean=0.1, **WORSE),
            ],
            (
                "Keep bm25: no system is significantly better. The closest is same at depth 50:"
                " +0.0000 [+0.0000, +0.0000] nDCG@10 (n = 300)."
            ),
        ),
        (
            [comparison("x", "not told apart", **UNCLEAR)],
            (
                "Keep bm25: no system is significantly better. The closest is x at depth 50:"
                " +0.0030 [-0.0040, +0.0100] nDCG@10 (n = 300). With 300 queries this test detects a difference of"
                " 0.020 with 80 % power."
            ),
        ),
        (
            [comparison("x", "not told apart"), comparison("y", "worse", contender_mean=0.1, **WORSE)],
            (
                "Keep bm25: no system is significantly better. The closest is x at depth 50:"
                " +0.0410 [+0.0280, +0.0540] nDCG@10 (n = 300), but the sign-flip test and the interval disagree."
            ),
        ),
        (
            [comparison("x", "worse", **WORSE), comparison("y", "worse", contender_mean=0.1, **WORSE)],
            (
                "Keep bm25: every other system is worse. The best of them is x at depth 50:"
                " -0.0300 [-0.0500, -0.0100] nDCG@10 (n = 300)."
            ),
        ),
        (
            [comparison("x", "identical", **SAME)],
            (
                "Keep bm25: every other system has its value on each query. The first is x at depth 50:"
                " +0.0000 [+0.0000, +0.0000] nDCG@10 (n = 300)."
            ),
        ),
    ],
)
def test_every_other_kind_of_verdict(contenders: list[Comparison], expected: str) -> None:
    """Nothing compared, too few queries, nothing told apart, all worse, all the same."""
    assert said(comparisons(*contenders)) == expected


def test_several_datasets_agree_or_do_not() -> None:
    """Agreement is said with the mean over datasets; disagreement names what each of them says."""
    compared = comparisons(comparison("x"), pooled=[comparison("x", difference=0.05)])
    adopt, keep = Verdict("a", "adopt", "x", "", ("x",)), Verdict("b", "keep", "bm25", "", ("bm25",))
    twice = replace(compared, datasets=compared.datasets * 2)
    assert headline([adopt, adopt], twice, "complete") == (
        "Adopt x: the 2 datasets agree. The mean difference to bm25 is +0.0500 [+0.0280, +0.0540] nDCG@10."
    )
    assert headline([keep, keep], compared, "complete") == "Keep bm25: the 2 datasets agree."
    assert headline([adopt, keep, Verdict("c", "undecided", None, "")], compared, "complete") == (
        "The 3 datasets do not agree: adopt x on a, keep bm25 on b, no verdict on c."
    )
    assert headline([], compared, "complete") == "No verdict: quality was not measured."


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
    text = said(comparisons(comparison("x", verdict, lower=lower, upper=upper)))
    if lower is None or lower <= 0 or verdict != "better":
        assert "dopt" not in text
    else:
        assert text.startswith("Adopt x")


def test_an_incomplete_result_says_nothing_for_good() -> None:
    """What is missing may change it."""
    compared = comparisons(comparison("x"))
    text = headline(verdicts(compared, summary()), compared, "incomplete")
    assert text.startswith("Provisional, as this result is incomplete. Adopt x")


def test_an_undecided_system_keeps_nothing() -> None:
    """Where nothing is better and one claim is withheld, the baseline is not kept: the reason comes first."""
    withheld = comparison("x", "undecided: failed queries", left_out=7)
    compared = comparisons(withheld, comparison("y", "worse", contender_mean=0.1, **WORSE))
    assert said(compared) == (
        "Undecided: failed queries (x against bm25). 7 queries have no scores from one of the two systems,"
        " or from both. Fix the cause in failures.jsonl and resume the run."
    )
    other = comparisons(withheld, comparison("y", contender_mean=0.45))
    assert said(other).startswith("Adopt y")
    assert said(other).endswith("Undecided: x.")
