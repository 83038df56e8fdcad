"""NumRet: number of documents in the list of a query; with ``rel`` only those of that grade or more."""

from __future__ import annotations

import numpy as np

from evalkit.metrics.counts import count_metric
from evalkit.metrics.metric import Metric, Values
from evalkit.metrics.parameters import REL_OR_ALL
from evalkit.metrics.per_query import relevant_at_any_place, sums
from evalkit.metrics.ranked import RankedGrades


def _value(ranked: RankedGrades, metric: Metric) -> Values:
    if "rel" in dict(metric.params):
        return sums(ranked, relevant_at_any_place(ranked, metric))
    return ranked.retrieved.astype(np.float64)


NUM_RET = count_metric("NumRet", _value, None, (REL_OR_ALL,))  # at depths, unjudged documents count, too
