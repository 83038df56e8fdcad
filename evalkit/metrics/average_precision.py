"""AP: mean precision at the ranks of the relevant documents."""

from __future__ import annotations

import numpy as np

from evalkit.metrics.judged_places import JudgedPlaces
from evalkit.metrics.metric import Metric, MetricDefinition, UnjudgedEffect, Values
from evalkit.metrics.parameters import JUDGED_ONLY, REL
from evalkit.metrics.per_query import (
    number_relevant,
    ratio,
    relevant_at_any_place,
    relevant_within_cutoff,
    sums,
)
from evalkit.metrics.ranked import RankedGrades
from evalkit.metrics.tie_places import chance_within, sum_over_places


def _value(ranked: RankedGrades, metric: Metric) -> Values:
    """Return the mean over all relevant documents of the precision at their ranks; 0 for those not retrieved."""
    relevant = relevant_within_cutoff(ranked, metric)
    return ratio(sums(ranked, relevant, relevant.ordinal() / relevant.place), number_relevant(ranked, metric))


def _expected_value(ranked: RankedGrades, metric: Metric) -> Values:
    """Sum over the places j of each tie: P(relevant at j) times the precision expected there.

    Let n documents be tied, m of them relevant, with R relevant ones above the tie. If a relevant document is at
    place j, R + 1 + (j - 1)(m - 1)/(n - 1) relevant ones are expected down to it, and ``(j - 1) / (above + j)`` is
    ``1 - (above + 1) / (above + j)``.
    """
    relevant = relevant_at_any_place(ranked, metric)
    first, tied_relevant = relevant.groups()
    relevant_above = relevant.ordinal()[first] - 1
    per_place = (tied_relevant - 1) / np.maximum(relevant.tied - 1, 1)
    inverse = sum_over_places(relevant, metric.cutoff, lambda place: 1.0 / place)
    places = chance_within(relevant, metric.cutoff) * relevant.tied
    precision = (relevant_above + 1) * inverse + per_place * (places - (relevant.above + 1) * inverse)
    return ratio(sums(ranked, relevant, precision / relevant.tied), number_relevant(ranked, metric))


def _value_at_depths(judged: JudgedPlaces, metric: Metric) -> Values:
    relevant = judged.within(metric.cutoff, metric.rel)
    precision = judged.ordinal(relevant) / judged.places * relevant
    return judged.over_relevant(judged.sums(precision), metric.rel)


AP = MetricDefinition(
    "AP",
    aliases=("MAP",),
    typed=("map", "mapcut", "averageprecision", "meanaverageprecision"),
    parameters=(REL, JUDGED_ONLY),
    value=_value,
    expected_value=_expected_value,
    value_at_depths=_value_at_depths,
    unjudged=UnjudgedEffect.EITHER_WAY,
    at_budget=True,
)
