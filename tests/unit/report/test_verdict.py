"""The two sentences on top of a report: one test for each kind of verdict, and the law that binds them all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.report.verdict import Verdict, headline, verdicts

Row = dict[str, Any]


def comparison(name: str, verdict: str = "better", **changes: Any) -> Row:
    """Return one contender against bm25."""
    return {
        "contender": name, "baseline": "bm25", "metric": "nDCG@10", "n": 300, "contender_mean": 0.5,
        "difference": 0.041, "lower": 0.028, "upper": 0.054, "verdict": verdict, "detectable": 0.02, **changes,
    }  # fmt: skip


def document(*comparisons: Row, tied: dict[str, list[str]] | None = None, dataset: str = "d") -> Row:
    """Return comparisons.json of one dataset at depth 50."""
    entry = {"dataset": dataset, "depth": 50, "comparisons": list(comparisons), "tied_with": tied or {}}
    return {"plan": {"baseline": "bm25"}, "datasets": [entry], "pooled": []}


def timed(tag: str, p50_s: float, p95_s: float | None) -> Row:
    """Return a row of latency for 50 documents, one call in flight."""
    return {
        "dataset": "d", "reranker": tag, "batch_size": 50, "concurrency": 1, "length_bucket": None,
        "p50_s": {"estimate": p50_s}, "p95_s": {"estimate": p95_s},
    }  # fmt: skip


def cost(tag: str, documents: int) -> Row:
    """Return what 300 queries cost."""
    return {"dataset": "d", "reranker": tag, "queries": 300, "documents": documents,
            "usd_per_thousand_queries": 0.04}  # fmt: skip


NOTHING: Row = {"latency": [], "costs": []}
WORSE = {"difference": -0.03, "lower": -0.05, "upper": -0.01}
UNCLEAR = {"difference": 0.003, "lower": -0.004, "upper": 0.01}


def said(compared: Row, summary: Row = NOTHING) -> str:
    """Return what stands on top of the report."""
    return headline(verdicts(compared, summary), compared, "complete")


def test_the_best_of_those_that_are_better_is_adopted() -> None:
    """With its gain, interval and n, latency and cost at its depth, and who is tied with it at which latency."""
    compared = document(
        comparison("y", contender_mean=0.55),
        comparison("x", contender_mean=0.56),
        tied={"x": ["y", "z", "bm25"]},
    )
    summary = {
        "latency": [timed("x", 0.09, 0.182), timed("y", 0.18, 0.3)],
        "costs": [cost("x", 15_000), cost("y", 15_000)],
    }
    assert said(compared, summary) == (
        "Adopt x at depth 50: +0.0410 [+0.0280, +0.0540] nDCG@10 over bm25 (n = 300), 182 ms p95 for 50 documents,"
        " $0.0400 per 1,000 queries. Tied with it are y (2 times the latency), z."
    )


def test_what_is_not_known_is_left_out() -> None:
    """No latency, no cost, no tie: none is mentioned; a median stands in for a p95 that the calls cannot carry."""
    bare = "Adopt x at depth 50: +0.0410 [+0.0280, +0.0540] nDCG@10 over bm25 (n = 300)"
    compared = document(comparison("x"))
    assert said(compared) == f"{bare}."
    assert said(compared, {"latency": [timed("x", 0.09, None)], "costs": [cost("x", 45_000)]}) == (
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
                "No verdict: n = 12 queries are too few, 30 are the least. Of the others x has the highest"
                " mean: +0.0410 [+0.0280, +0.0540] nDCG@10 against bm25."
            ),
        ),
        (
            [
                comparison("same", "identical", contender_mean=0.6),
                comparison("x", "not told apart", **UNCLEAR),
                comparison("y", "worse", contender_mean=0.1, **WORSE),
            ],
            (
                "Keep bm25: nothing is shown to be better. The highest mean beside it is x at depth 50:"
                " +0.0030 [-0.0040, +0.0100] nDCG@10 (n = 300); with so many queries a true difference of 0.0200 shows"
                " 4 times in 5."
            ),
        ),
        (
            [comparison("x", "not told apart"), comparison("y", "worse", contender_mean=0.1, **WORSE)],
            (
                "Keep bm25: nothing is shown to be better. The highest mean beside it is x at depth 50:"
                " +0.0410 [+0.0280, +0.0540] nDCG@10 (n = 300), but the randomisation test, corrected"
                " for 2 comparisons, leaves it open."
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
            [comparison("x", "identical", difference=0.0, lower=0.0, upper=0.0)],
            (
                "Keep bm25: every other system has its value on each query. The first is x at depth 50:"
                " +0.0000 [+0.0000, +0.0000] nDCG@10 (n = 300)."
            ),
        ),
    ],
)
def test_every_other_kind_of_verdict(contenders: list[Row], expected: str) -> None:
    """Nothing compared, too few queries, nothing told apart, all worse, all the same."""
    assert said(document(*contenders)) == expected


def test_several_datasets_agree_or_do_not() -> None:
    """Agreement is said with the mean over datasets; disagreement names what each of them says."""
    compared = document(comparison("x"))
    compared["pooled"] = [comparison("x", difference=0.05)]
    adopt, keep = Verdict("a", "adopt", "x", ""), Verdict("b", "keep", "bm25", "")
    assert headline([adopt, adopt], compared, "complete") == (
        "Adopt x: the 2 datasets agree. The mean of their differences to bm25 is +0.0500 [+0.0280, +0.0540] nDCG@10."
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
    text = said(document(comparison("x", verdict, lower=lower, upper=upper)))
    if lower is None or lower <= 0 or verdict != "better":
        assert "dopt" not in text
    else:
        assert text.startswith("Adopt x")


def test_an_incomplete_result_says_nothing_for_good() -> None:
    """What is missing may change it."""
    compared = document(comparison("x"))
    text = headline(verdicts(compared, NOTHING), compared, "incomplete")
    assert text.startswith("Provisional, as this result is incomplete. Adopt x")
