"""Success: 1 if any relevant document is within the cutoff, else 0."""

from __future__ import annotations

import numpy as np

from evalkit.metrics.judged_places import JudgedPlaces
from evalkit.metrics.metric import Metric, MetricDefinition, UnjudgedEffect, Values
from evalkit.metrics.parameters import JUDGED_ONLY, REL
from evalkit.metrics.per_query import relevant_within_cutoff, sums
from evalkit.metrics.ranked import RankedGrades
from evalkit.metrics.tie_places import first_relevant_tie


def _value(ranked: RankedGrades, metric: Metric) -> Values:
    return np.asarray(sums(ranked, relevant_within_cutoff(ranked, metric)) > 0, dtype=np.float64)


def _expected_value(ranked: RankedGrades, metric: Metric) -> Values:
    """Return 1 minus the probability that every relevant document of the first such tie is below the cutoff."""
    tie, relevant = first_relevant_tie(ranked, metric)
    places_below = tie.tied - np.clip((metric.cutoff or 0) - tie.above, 0, tie.tied)
    all_below = np.ones(len(relevant))
    for i in range(int(relevant.max(initial=0))):
        chance = np.maximum(places_below - i, 0) / np.maximum(tie.tied - i, 1)
        all_below *= np.where(i < relevant, chance, 1.0)
    return sums(ranked, tie, 1.0 - all_below)


def _value_at_depths(judged: JudgedPlaces, metric: Metric) -> Values:
    return np.asarray(judged.sums(judged.within(metric.cutoff, metric.rel)) > 0, dtype=np.float64)


SUCCESS = MetricDefinition(
    "Success",
    typed=("hit", "hits", "hitrate", "hr"),
    parameters=(REL, JUDGED_ONLY),
    needs_cutoff=True,
    value=_value,
    expected_value=_expected_value,
    value_at_depths=_value_at_depths,
    unjudged=UnjudgedEffect.NEVER_LOWERS,
    at_budget=True,
)
