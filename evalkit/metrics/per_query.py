"""Sums, ratios and relevant documents per query: what the values of several metrics are computed from."""

from __future__ import annotations

import numpy as np

from evalkit.metrics.metric import Metric, Values
from evalkit.metrics.ranked import Placed, RankedGrades


def relevant_within_cutoff(ranked: RankedGrades, metric: Metric) -> Placed:
    """Return the relevant documents down to the cutoff."""
    return relevant_at_any_place(ranked, metric).within(metric.cutoff)


def relevant_at_any_place(ranked: RankedGrades, metric: Metric) -> Placed:
    """Return the relevant documents of the whole lists."""
    return ranked.found.only(ranked.found.grade >= metric.rel)


def number_relevant(ranked: RankedGrades, metric: Metric) -> Values:
    """Return the ``(q,)`` number of judged documents that are relevant, retrieved or not."""
    return sums(ranked, ranked.ideal.only(ranked.ideal.grade >= metric.rel))


def sums(ranked: RankedGrades, placed: Placed, weights: Values | None = None) -> Values:
    """Return the ``(q,)`` sums of the weights of each query's rows; without weights the numbers of rows."""
    return np.bincount(placed.query, weights, len(ranked)).astype(np.float64, copy=False)


def ratio(numerator: Values, denominator: Values) -> Values:
    """Divide; return 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(denominator), where=denominator > 0)
