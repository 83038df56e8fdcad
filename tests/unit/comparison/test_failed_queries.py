"""Claims that failed queries could remove are withheld."""

from __future__ import annotations

import numpy as np
import pytest
from support.systems import failing, run_of, set_of
from support.worlds import set_of_values

from evalkit.comparison import ComparisonSet, Plan, compare

PLAN = Plan("a", "nDCG@10", resamples=999)


def far_apart(gain: float = 0.3, n: int = 100) -> ComparisonSet:
    """Return a baseline and a contender that is better on every query by about the same."""
    rng = np.random.default_rng(5)
    base = rng.uniform(0.3, 0.5, n)
    return set_of_values({"a": base, "b": base + gain + rng.normal(0, 0.02, n)})


@pytest.mark.parametrize(("failed", "verdict"), [(3, "better"), (60, "undecided: failed queries")])
def test_few_failures_do_not_undo_a_large_gain(failed: int, verdict: str) -> None:
    """A claim is kept while counting failures as 0 agrees with it, and is withheld once it does not."""
    (one,) = compare(failing(far_apart(), "b", range(failed)), PLAN)
    assert (one.verdict, one.left_out) == (verdict, failed)


@pytest.mark.parametrize(("failed", "verdict"), [(3, "better"), (60, "undecided: failed queries")])
def test_failures_of_the_baseline_count_against_the_contender(failed: int, verdict: str) -> None:
    """What the baseline would have reached is unknown: it counts as the highest value."""
    (one,) = compare(failing(far_apart(), "a", range(failed)), PLAN)
    assert one.verdict == verdict


def test_a_loss_is_withheld_in_the_same_way() -> None:
    """*Worse* is not said of a system whose failures could have been its best queries."""
    base = far_apart(-0.05)
    assert compare(failing(base, "b", range(1)), PLAN)[0].verdict == "worse"
    assert compare(failing(base, "b", range(10)), PLAN)[0].verdict == "undecided: failed queries"


def test_failures_that_both_systems_share_count_against_a_claim() -> None:
    """Two systems fail on the same queries: what they would have done there is unknown, and the claim is withheld."""
    rows = np.argsort(-np.arange(100))[:30].tolist()
    both = failing(failing(far_apart(0.05), "a", rows), "b", rows)
    (one,) = compare(both, PLAN)
    assert (one.verdict, one.n, one.left_out) == ("undecided: failed queries", 70, 30)
    (few,) = compare(failing(failing(far_apart(), "a", range(2)), "b", range(2)), PLAN)
    assert (few.verdict, few.left_out) == ("better", 2)


def test_queries_that_a_run_lacks_decide_nothing() -> None:
    """A TREC run without some queries counts as 0 there: a claim that rests on these queries alone is withheld."""
    grades = {f"q{i:02}": {"r": 1, "n": 0} for i in range(60)}
    whole = {q: {"r": 1.0, "n": 2.0 if int(q[1:]) % 2 else 0.0} for q in grades}
    half = {q: docs for q, docs in whole.items() if int(q[1:]) < 30}
    (one,) = compare(set_of(grades, run_of("a", half), run_of("b", whole)), PLAN)
    assert (one.verdict, one.unranked) == ("undecided: failed queries", 30)
    better = {q: {"r": 3.0, "n": 2.0} for q in grades}
    (sure,) = compare(set_of(grades, run_of("a", half), run_of("b", better)), PLAN)
    assert sure.verdict == "better"
