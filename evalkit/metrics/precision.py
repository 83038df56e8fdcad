"""P: share of the first ranks that hold a relevant document."""

from __future__ import annotations

import numpy as np

from evalkit.metrics.judged_places import JudgedPlaces
from evalkit.metrics.metric import Metric, MetricDefinition, UnjudgedEffect, Values
from evalkit.metrics.parameters import JUDGED_ONLY, REL
from evalkit.metrics.per_query import relevant_within_cutoff, sums
from evalkit.metrics.ranked import RankedGrades
from evalkit.metrics.tie_places import expected_relevant


def _value(ranked: RankedGrades, metric: Metric) -> Values:
    """Return relevant documents over the cutoff, also for lists shorter than the cutoff."""
    return _over_cutoff(sums(ranked, relevant_within_cutoff(ranked, metric)), metric)


def _expected_value(ranked: RankedGrades, metric: Metric) -> Values:
    return _over_cutoff(expected_relevant(ranked, metric), metric)


def _value_at_depths(judged: JudgedPlaces, metric: Metric) -> Values:
    return _over_cutoff(judged.sums(judged.within(metric.cutoff, metric.rel)), metric)


def _over_cutoff(numbers: Values, metric: Metric) -> Values:
    return np.asarray(numbers / float(metric.cutoff or 1))


P = MetricDefinition(
    "P",
    aliases=("Precision",),
    typed=("precision", "prec"),
    parameters=(REL, JUDGED_ONLY),
    needs_cutoff=True,
    value=_value,
    expected_value=_expected_value,
    value_at_depths=_value_at_depths,
    unjudged=UnjudgedEffect.NEVER_LOWERS,
    no_budget="precision divides by a number of places, which a budget does not fix",
)
