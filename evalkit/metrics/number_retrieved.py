"""NumRet: number of documents in the list of a query; with ``rel`` only those of that grade or more."""

from __future__ import annotations

import numpy as np

from evalkit.metrics.metric import Metric, MetricDefinition, UnjudgedEffect, Values
from evalkit.metrics.parameters import REL_OR_ALL
from evalkit.metrics.per_query import relevant_at_any_place, sums
from evalkit.metrics.ranked import RankedGrades


def _value(ranked: RankedGrades, metric: Metric) -> Values:
    if "rel" in dict(metric.params):
        return sums(ranked, relevant_at_any_place(ranked, metric))
    return ranked.retrieved.astype(np.float64)


NUM_RET = MetricDefinition(
    "NumRet",
    parameters=(REL_OR_ALL,),
    value=_value,
    expected_value=_value,
    value_at_depths=None,  # it counts unjudged documents, too
    unjudged=UnjudgedEffect.NOT_APPLICABLE,
    takes_cutoff=False,
    summed=True,
)
