"""The value of a system over queries: a mean with an interval that fits the metric, or a sum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.comparison_set import QueryClusters
from evalkit.metrics import parse_metric
from evalkit.records import MetricValues
from evalkit.stats import Clusters, Interval, bounded_interval


def system_mean(
    values: MetricValues,
    metric: str,
    clusters: QueryClusters,
    confidence: float = 0.95,
    rows: NDArray[np.int64] | None = None,
) -> Interval:
    """Return the mean of a metric over queries with its interval.

    Values from 0 to 1 get an interval inside these bounds; see `bounded_interval`. Counts, such as ``NumRet``, are
    summed as ir_measures does, and have no interval.

    Parameters
    ----------
    values, metric
        The values of a system, and the metric to take.
    clusters
        Which queries are not independent.
    confidence
        Two-sided confidence level.
    rows
        The queries to average; all by default. Those for which the metric is unknown are left out.
    """
    known = values.known(metric)
    rows = known if rows is None else np.intersect1d(rows, known, assume_unique=True)
    column = values.of(metric)[rows]
    parsed = parse_metric(metric)
    if parsed.summed:
        total = float(column.sum()) if len(column) else None
        return Interval(total, None, None, len(column), confidence)
    together = clusters.of(np.array(values.query_ids, dtype=object)[rows].tolist())
    if parsed.lowest < 0 and len(column):
        return _from_lowest(column, parsed.lowest, confidence, together)
    return bounded_interval(column, confidence, together)


def _from_lowest(
    column: NDArray[np.float64], lowest: float, confidence: float, clusters: Clusters | None
) -> Interval:
    """Return the mean of values from `lowest` to 1: the interval is that of the values moved to 0..1, moved back."""
    width = 1.0 - lowest
    found = bounded_interval((column - lowest) / width, confidence, clusters)
    lower, upper = (None if end is None else end * width + lowest for end in (found.lower, found.upper))
    return replace(found, estimate=float(column.mean()), lower=lower, upper=upper)
