"""NumRel: number of relevant documents of a query, retrieved or not."""

from __future__ import annotations

import numpy as np

from evalkit.metrics.counts import count_metric
from evalkit.metrics.judged_places import JudgedPlaces
from evalkit.metrics.metric import Metric, Values
from evalkit.metrics.parameters import REL
from evalkit.metrics.per_query import number_relevant


def _value_at_depths(judged: JudgedPlaces, metric: Metric) -> Values:
    return np.tile(judged.number_relevant(metric.rel).astype(np.float64)[:, None], judged.shape[1])


NUM_REL = count_metric("NumRel", number_relevant, _value_at_depths, (REL,))
