"""Means over the traffic and the distinct queries of a log."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.corrected_worlds import IDS, world
from support.corrected_worlds import PLAN as CORRECTED

from evalkit.comparison import ComparisonSet, Plan, System, compare
from evalkit.records import MetricValues, Qrels, Query, QuerySample, Run
from evalkit.summaries.weighted_means import weighted_means

PLAN = Plan(baseline="a", primary="nDCG@10", resamples=99)
N = 200
FREQUENCY = np.ceil(1000 / np.arange(1, N + 1))


def set_of(sample: QuerySample | None, unknown: int = 0) -> ComparisonSet:
    """Return two systems: b gains on the 20 most frequent queries and loses on the others."""
    ids = tuple(f"q{i}" for i in range(N))
    rng = np.random.default_rng(0)
    base = rng.uniform(0.3, 0.6, N)
    change = np.where(np.arange(N) < 20, 0.2, -0.05) + rng.normal(0, 0.01, N)
    columns = {"a": base, "b": base + change}
    columns["b"][:unknown] = np.nan
    systems = {
        name: System(
            name, Run.from_rows(name, [], [], []), MetricValues(name, ("nDCG@10",), ids, column[:, None])
        )
        for name, column in columns.items()
    }
    queries = {name: Query(name, f"text {name}") for name in ids}
    return ComparisonSet("d", Qrels({}), systems, queries, sample=sample)


def by_id(values: np.ndarray) -> dict[str, float]:
    """Return query id -> value."""
    return {f"q{i}": float(value) for i, value in enumerate(values)}


def drawn(frequency: np.ndarray = FREQUENCY, inclusion: np.ndarray | None = None) -> QuerySample:
    """Return a sample with these numbers."""
    return QuerySample(("f",), by_id(frequency), None if inclusion is None else by_id(inclusion))


def test_queries_without_a_draw_have_no_weighted_means() -> None:
    """Nor has a dataset without the baseline."""
    assert weighted_means(set_of(None), PLAN) is None
    assert weighted_means(set_of(drawn()), replace(PLAN, baseline="c")) is None


def test_the_means_are_the_weighted_ones_with_opposite_signs() -> None:
    """By hand: traffic sum(f/p y) / sum(f/p), distinct queries sum(y/p) / sum(1/p)."""
    inclusion = np.where(np.arange(N) < 20, 0.9, 0.1)
    compared = set_of(drawn(inclusion=inclusion))
    found = weighted_means(compared, PLAN)
    assert found is not None
    assert found.traffic_mean is not None
    changes = compared.pair("a", "b", "nDCG@10").differences
    for means, weights in (
        (found.traffic_mean, FREQUENCY / inclusion),
        (found.distinct_query_mean, 1 / inclusion),
    ):
        change = means.change_of("b")
        assert change is not None
        assert change.estimate == pytest.approx(float(weights @ changes / weights.sum()))
        assert means.change_of("a") is None
        assert means.effective_queries == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert found.plain_mean == "neither"
    assert found.certain == 0


def test_the_plain_mean_is_that_of_the_population_with_equal_weights() -> None:
    """Proportional to frequency: the traffic; equal probabilities: distinct queries; both, or nearly one."""
    proportional = FREQUENCY / FREQUENCY.max() / 2
    equal = np.full(N, 0.3)
    cases = {
        ("traffic", False): drawn(inclusion=proportional),
        ("distinct queries", False): drawn(inclusion=equal),
        ("both", False): drawn(np.ones(N), equal),
        ("traffic", True): drawn(inclusion=proportional * np.linspace(1, 1.1, N)),
        ("neither", False): drawn(inclusion=np.sqrt(proportional)),
    }
    for expected, sample in cases.items():
        found = weighted_means(set_of(sample), PLAN)
        assert found is not None
        assert (found.plain_mean, found.nearly) == expected


def test_a_draw_that_may_lack_frequent_queries_gives_the_traffic_mean_no_interval() -> None:
    """Where equal probabilities missed the head, the weights look more even, so that their size is no guard."""
    proportional = FREQUENCY / FREQUENCY.max() / 2
    for sample, withheld in (
        (drawn(inclusion=proportional), None),
        (drawn(inclusion=np.full(N, 0.3)), "skewed frequencies"),
        (drawn(), "skewed frequencies"),
        (drawn(np.linspace(1, 2, N)), None),
        (drawn(np.ones(N), np.r_[np.full(20, 0.5), np.ones(N - 20)]), "few queries"),
        (drawn(inclusion=np.ones(N)), None),
    ):
        found = weighted_means(set_of(sample), PLAN)
        assert found is not None
        assert found.traffic_mean is not None
        assert found.traffic_mean.withheld == withheld
        change = found.traffic_mean.change_of("b")
        assert change is not None
        assert (change.lower is None) == (withheld is not None)
        assert found.distinct_query_mean.change_of("b") is not None


def test_a_query_without_a_value_is_left_out() -> None:
    """Unknown is not 0: the mean of the other system keeps the query, and the difference does not."""
    inclusion = FREQUENCY / FREQUENCY.max() / 2
    found = weighted_means(set_of(drawn(inclusion=inclusion), unknown=5), PLAN)
    assert found is not None
    assert found.traffic_mean is not None
    a, b = found.traffic_mean.rows
    assert (a.mean.n, b.mean.n) == (N, N - 5)
    assert b.difference is not None
    assert b.difference.n == N - 5


def test_queries_that_are_not_judged_are_part_of_the_error() -> None:
    """If people judge a random part of queries that were drawn with certainty, no interval has the width 0."""
    certain = set_of(drawn(np.ones(N), np.ones(N)))
    part = {f"q{i}": {"d": 1.0} for i in range(0, N, 2)}
    whole, half = (
        weighted_means(one, PLAN) for one in (certain, replace(_valued(certain, part), qrels=Qrels(part)))
    )
    assert whole is not None
    assert half is not None
    assert (whole.certain, half.certain) == (N, 0)
    every, some = (one.distinct_query_mean.change_of("b") for one in (whole, half))
    assert every is not None
    assert some is not None
    assert every.lower == every.estimate == every.upper
    assert None not in (some.lower, every.estimate, some.upper)
    assert some.lower < every.estimate < some.upper  # type: ignore[operator]
    drawn_once = _valued(set_of(drawn(np.ones(N), np.full(N, 0.5))), part)
    once = weighted_means(
        replace(drawn_once, queries={name: drawn_once.queries[name] for name in part}), PLAN
    )
    assert once is not None
    assert once.distinct_query_mean.change_of("b") == some


def test_unjudged_queries_with_much_traffic_give_the_traffic_mean_no_interval() -> None:
    """Each query of the log was drawn; those that are not judged may have any share of the searches."""
    part = {f"q{i}": {"d": 1.0} for i in range(1, N, 2)}
    certain = _valued(set_of(drawn(inclusion=np.ones(N))), part)
    found = weighted_means(replace(certain, qrels=Qrels(part)), PLAN)
    assert found is not None
    assert found.traffic_mean is not None
    assert found.traffic_mean.withheld == "unjudged queries"
    assert found.distinct_query_mean.withheld is None


def _valued(compared: ComparisonSet, judged: dict[str, dict[str, float]]) -> ComparisonSet:
    """Return a set whose systems have values of the judged queries alone."""
    systems = {}
    for name, system in compared.systems.items():
        known = system.values.by_query(PLAN.primary)
        column = np.array([known[query_id] for query_id in judged])
        values = MetricValues(name, (PLAN.primary,), tuple(judged), column[:, None])
        systems[name] = replace(system, values=values)
    return replace(compared, systems=systems)


def test_a_plain_mean_is_the_corrected_one() -> None:
    """With equal weights the mean of the distinct queries is that of the comparison; that of the traffic is not."""
    frequency = {q: 1.0 + (n % 2) for n, q in enumerate(IDS)}
    corrected = world(sample=QuerySample(("f",), frequency))
    found = weighted_means(corrected, CORRECTED)
    (one,) = compare(corrected, CORRECTED)
    assert found is not None
    assert found.traffic_mean is not None
    assert (found.plain_mean, found.is_indication) == ("distinct queries", True)
    row = found.distinct_query_mean.row_of("new")
    assert row is not None
    assert row.difference is not None
    assert (row.corrected, row.difference.estimate) == (True, one.difference)
    assert (row.difference.lower, row.difference.upper) == (one.lower, one.upper)
    assert [row.corrected for row in found.traffic_mean.rows] == [None, None]
    even = weighted_means(replace(corrected, sample=QuerySample(("f",), dict.fromkeys(IDS, 2.0))), CORRECTED)
    assert even is not None
    assert (even.plain_mean, even.is_indication) == ("both", False)
