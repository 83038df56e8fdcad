"""NumRel: number of relevant documents of a query, retrieved or not."""

from __future__ import annotations

import numpy as np

from evalkit.metrics.counts import count_metric
from evalkit.metrics.metric import Metric, Values
from evalkit.metrics.parameters import REL
from evalkit.metrics.per_query import number_relevant
from evalkit.metrics.ranked import JudgedPlaces


def _value_at_depths(judged: JudgedPlaces, metric: Metric) -> Values:
    return np.full(judged.places.shape[1], float((judged.ideal >= metric.rel).sum()))


NUM_REL = count_metric("NumRel", number_relevant, _value_at_depths, (REL,))
