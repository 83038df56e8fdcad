"""NumRelRet: number of relevant documents in the list of a query."""

from __future__ import annotations

from evalkit.metrics.counts import count_metric
from evalkit.metrics.judged_places import JudgedPlaces
from evalkit.metrics.metric import Metric, Values
from evalkit.metrics.parameters import REL
from evalkit.metrics.per_query import relevant_at_any_place, sums
from evalkit.metrics.ranked import RankedGrades


def _value(ranked: RankedGrades, metric: Metric) -> Values:
    return sums(ranked, relevant_at_any_place(ranked, metric))


def _value_at_depths(judged: JudgedPlaces, metric: Metric) -> Values:
    return judged.sums(judged.within(None, metric.rel))


NUM_REL_RET = count_metric("NumRelRet", _value, _value_at_depths, (REL,))
