"""RR: one over the rank of the first relevant document."""

from __future__ import annotations

import numpy as np

from evalkit.metrics.judged_places import JudgedPlaces
from evalkit.metrics.metric import Metric, MetricDefinition, UnjudgedEffect, Values
from evalkit.metrics.parameters import JUDGED_ONLY, REL
from evalkit.metrics.per_query import relevant_within_cutoff, sums
from evalkit.metrics.ranked import RankedGrades
from evalkit.metrics.tie_places import first_relevant_tie


def _value(ranked: RankedGrades, metric: Metric) -> Values:
    """Return one over the rank of the first relevant document; 0 if none is within the cutoff."""
    relevant = relevant_within_cutoff(ranked, metric)
    first = np.full(len(ranked), np.inf)
    np.minimum.at(first, relevant.query, relevant.place)
    return np.asarray(1.0 / first)


def _expected_value(ranked: RankedGrades, metric: Metric) -> Values:
    """Sum over the places j of the first tie with a relevant document: P(the first relevant one is at j) / rank."""
    tie, relevant = first_relevant_tie(ranked, metric)
    none_before = np.ones(len(relevant))
    value = np.zeros(len(relevant))
    for j in range(1, int((tie.tied - relevant).max(initial=-1)) + 2):
        places_left = tie.tied - j + 1
        chance = np.minimum(relevant / np.maximum(places_left, 1), 1.0)
        place = tie.above + j
        inside = place <= (np.inf if metric.cutoff is None else metric.cutoff)
        value += none_before * chance * inside / place
        none_before *= 1.0 - chance
    return sums(ranked, tie, value)


def _value_at_depths(judged: JudgedPlaces, metric: Metric) -> Values:
    relevant = judged.within(metric.cutoff, metric.rel)
    return np.asarray(1.0 / judged.lowest(np.where(relevant, judged.places, np.inf)))


RR = MetricDefinition(
    "RR",
    aliases=("MRR",),
    typed=("reciprank", "reciprocalrank", "meanreciprocalrank"),
    parameters=(REL, JUDGED_ONLY),
    value=_value,
    expected_value=_expected_value,
    value_at_depths=_value_at_depths,
    unjudged=UnjudgedEffect.NEVER_LOWERS,
    at_budget=True,
)
