"""Means of a system, with an interval that fits the metric."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.query_clusters import QueryClusters
from evalkit.records import MetricValues, Query
from evalkit.stats import bounded_interval
from evalkit.summaries.system_means import system_mean

ALONE = QueryClusters()


def values(metric: str, *column: float) -> MetricValues:
    """Return the values of one metric for queries q0, q1, ..."""
    return MetricValues("r", (metric,), tuple(f"q{i}" for i in range(len(column))), np.array(column)[:, None])


@pytest.mark.parametrize("metric", ["NumRet", "NumRel", "NumQ", "NumRelRet"])
def test_counts_are_summed(metric: str) -> None:
    """As ir_measures aggregates them; a sum has no interval."""
    found = system_mean(values(metric, 3.0, 1.0, 4.0), metric, ALONE)
    assert (found.estimate, found.lower, found.upper, found.n) == (8.0, None, None, 3)
    assert system_mean(values(metric), metric, ALONE).estimate is None


def test_other_metrics_are_averaged_over_the_given_queries() -> None:
    """The interval is that of values between 0 and 1."""
    found = system_mean(values("nDCG@10", 0.2, 0.9, 0.4, 1.0), "nDCG@10", ALONE, rows=np.array([0, 1, 2]))
    assert found == bounded_interval(np.array([0.2, 0.9, 0.4]))


def test_repeated_queries_count_once() -> None:
    """Two queries with one text are one cluster."""
    queries = {f"q{i}": Query(f"q{i}", f"text {i // 2}") for i in range(8)}
    column = np.repeat([0.1, 0.5, 0.3, 0.8], 2)
    found = system_mean(values("nDCG@10", *column), "nDCG@10", QueryClusters.of_queries(queries, None))
    assert found.lower == pytest.approx(bounded_interval(column[::2]).lower)


def test_an_interval_of_changes_reaches_below_zero() -> None:
    """PMRR is between -1 and 1: equal values have an interval around them, and not one that ends at 0."""
    same = system_mean(values("pMRR", *[0.0] * 14), "pMRR", ALONE)
    assert same.estimate == 0.0
    assert same.lower == pytest.approx(-(same.upper or 0.0))
    worst = system_mean(values("pMRR", *[-1.0] * 14), "pMRR", ALONE)
    best = system_mean(values("pMRR", *[1.0] * 14), "pMRR", ALONE)
    assert (worst.lower, best.upper) == (-1.0, 1.0)
    assert worst.upper == pytest.approx(-(best.lower or 0.0))
