"""The value of a system over queries: a mean with an interval that fits the metric, or a sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.comparison_set import QueryClusters
from evalkit.metrics import parse_metric
from evalkit.records import MetricValues
from evalkit.stats import Interval, bounded_interval


def system_mean(
    values: MetricValues,
    metric: str,
    clusters: QueryClusters,
    confidence: float = 0.95,
    rows: NDArray[np.int64] | None = None,
) -> Interval:
    """Return the mean of a metric over queries with its interval.

    The interval is inside the range of the metric; see `bounded_interval`. Counts, such as ``NumRet``, are
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
    return bounded_interval(column, confidence, together, parsed.limits)
