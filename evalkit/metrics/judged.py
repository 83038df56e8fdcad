"""Judged: share of the documents within the cutoff that were judged for the query, as ir_measures defines it."""

from __future__ import annotations

import numpy as np

from evalkit.metrics.metric import Metric, MetricDefinition, UnjudgedEffect, Values
from evalkit.metrics.per_query import ratio, sums
from evalkit.metrics.ranked import RankedGrades
from evalkit.metrics.tie_places import chance_within


def _value(ranked: RankedGrades, metric: Metric) -> Values:
    return ratio(sums(ranked, ranked.found.within(metric.cutoff)), _documents_within(ranked, metric))


def _expected_value(ranked: RankedGrades, metric: Metric) -> Values:
    found = ranked.found
    return ratio(sums(ranked, found, chance_within(found, metric.cutoff)), _documents_within(ranked, metric))


def _documents_within(ranked: RankedGrades, metric: Metric) -> Values:
    """Return the ``(q,)`` numbers of documents within the cutoff, judged or not."""
    cut = ranked.retrieved if metric.cutoff is None else np.minimum(ranked.retrieved, metric.cutoff)
    return cut.astype(np.float64)


JUDGED = MetricDefinition(
    "Judged",
    value=_value,
    expected_value=_expected_value,
    value_at_depths=None,  # it counts unjudged documents, too
    unjudged=UnjudgedEffect.NOT_APPLICABLE,
    at_budget=True,
)
