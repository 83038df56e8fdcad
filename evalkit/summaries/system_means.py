"""The value of a system over queries: a mean with an interval that fits the metric, or a sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet
from evalkit.comparison.corrected_pairs import corrected_mean
from evalkit.comparison.looks import confidence_at
from evalkit.metrics import parse_metric
from evalkit.query_clusters import QueryClusters
from evalkit.records import MetricValues
from evalkit.stats import Interval, bounded_interval, student_interval


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


def mean_of_system(
    comparison_set: ComparisonSet, name: str, metric: str, confidence: float = 0.95
) -> Interval:
    """Return the mean of one system with its interval, corrected where people's grades correct those of a judge."""
    corrected = corrected_mean(comparison_set, name, metric)
    if corrected is not None:
        enlarged = 0 if comparison_set.correction is None else comparison_set.correction.enlarged
        return student_interval(corrected, confidence_at(confidence, enlarged))
    values = comparison_set.systems[name].values
    return system_mean(values, metric, comparison_set.query_clusters, confidence)
