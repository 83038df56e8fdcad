"""R: share of all relevant documents that are within the cutoff."""

from __future__ import annotations

from evalkit.metrics.judged_places import JudgedPlaces
from evalkit.metrics.metric import Metric, MetricDefinition, UnjudgedEffect, Values
from evalkit.metrics.parameters import JUDGED_ONLY, REL
from evalkit.metrics.per_query import number_relevant, ratio, relevant_within_cutoff, sums
from evalkit.metrics.ranked import RankedGrades
from evalkit.metrics.tie_places import expected_relevant


def _value(ranked: RankedGrades, metric: Metric) -> Values:
    return ratio(sums(ranked, relevant_within_cutoff(ranked, metric)), number_relevant(ranked, metric))


def _expected_value(ranked: RankedGrades, metric: Metric) -> Values:
    return ratio(expected_relevant(ranked, metric), number_relevant(ranked, metric))


def _value_at_depths(judged: JudgedPlaces, metric: Metric) -> Values:
    return judged.over_relevant(judged.sums(judged.within(metric.cutoff, metric.rel)), metric.rel)


R = MetricDefinition(
    "R",
    aliases=("Recall",),
    typed=("recall",),
    parameters=(REL, JUDGED_ONLY),
    needs_cutoff=True,
    value=_value,
    expected_value=_expected_value,
    value_at_depths=_value_at_depths,
    unjudged=UnjudgedEffect.NEVER_LOWERS,
    at_budget=True,
)
