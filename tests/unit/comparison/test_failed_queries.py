"""Claims that failed queries could remove are withheld."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.systems import failing, run_of, set_of
from support.worlds import set_of_values

from evalkit.comparison import ComparisonSet, Plan, System, compare, explore, order_systems
from evalkit.records import MetricValues, Qrels, Run

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


def unknown_in(rows: list[int], gain: float, metric: str) -> ComparisonSet:
    """Return a better contender whose values are unknown in some rows; no query failed."""
    rng = np.random.default_rng(5)
    base = rng.uniform(0.4, 0.6, 100)
    columns = {"a": base, "b": base + gain + rng.normal(0, 0.02, 100)}
    columns["b"][rows] = np.nan
    ids = tuple(f"q{number}" for number in range(100))
    systems = {
        name: System(
            name, Run.from_rows(name, [], [], []), MetricValues(name, (metric,), ids, values[:, None])
        )
        for name, values in columns.items()
    }
    return ComparisonSet("d", Qrels({}), systems)


@pytest.mark.parametrize(("metric", "holds"), [("Accuracy", "better"), ("pMRR", "undecided: unknown values")])
def test_an_unknown_value_counts_as_the_worst_of_its_metric(metric: str, holds: str) -> None:
    """A change of pMRR may be -1, so that 12 unknown ones remove a gain that 12 unknown shares do not remove."""
    (one,) = compare(unknown_in(list(range(12)), 0.15, metric), replace(PLAN, primary=metric))
    assert (one.verdict, one.n, one.left_out) == (holds, 88, 12)


def test_unknown_values_are_no_failed_queries() -> None:
    """A claim that rests on which queries have a value is withheld with this reason, and exploratory rows are empty."""
    found = unknown_in(list(range(40)), 0.05, "Accuracy")
    (one,) = compare(found, replace(PLAN, primary="Accuracy"))
    assert (one.verdict, one.left_out) == ("undecided: unknown values", 40)
    (row,) = explore(found, PLAN)
    assert (row.metric, row.p, row.lower) == ("Accuracy", None, None)


def test_an_order_does_not_rest_on_failed_queries() -> None:
    """A pair whose difference failures could remove is neither ordered nor tied."""
    ordered = order_systems(failing(far_apart(0.05), "b", range(30)), PLAN)
    assert (ordered.better, ordered.tied) == ({"b": (), "a": ()}, {"b": (), "a": ()})
    assert order_systems(failing(far_apart(), "b", range(3)), PLAN).better["a"] == ("b",)
