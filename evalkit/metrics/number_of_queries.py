"""NumQ: 1 for each query of the means, so that the sum is their number."""

from __future__ import annotations

import numpy as np

from evalkit.metrics.counts import count_metric
from evalkit.metrics.judged_places import JudgedPlaces
from evalkit.metrics.metric import Metric, Values
from evalkit.metrics.ranked import RankedGrades


def _value(ranked: RankedGrades, _: Metric) -> Values:
    return np.ones(len(ranked))


def _value_at_depths(judged: JudgedPlaces, _: Metric) -> Values:
    return np.ones(judged.shape)


NUM_Q = count_metric("NumQ", _value, _value_at_depths)
