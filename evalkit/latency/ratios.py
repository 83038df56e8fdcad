"""How much slower one reranker is than another, within one run."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from evalkit.stats import Interval, mean_interval

Round = Mapping[str, float]
"""Query -> seconds of its call in one round."""


def latency_ratio(
    baseline: Mapping[int, Round], contender: Mapping[int, Round], confidence: float
) -> Interval:
    """Return the ratio of two latencies with its t interval over interleaved rounds; n counts rounds.

    In each round the median over queries of the logarithm of the ratio of the two calls: both saw the same
    batch within the same minute, so that what they share, texts and machine, drops out.

    Parameters
    ----------
    baseline, contender
        Round -> query -> seconds.
    confidence
        Two-sided level.
    """
    logs = []
    for number in sorted(baseline.keys() & contender.keys()):
        one, other = baseline[number], contender[number]
        ratios = [math.log(other[query] / one[query]) for query in one if query in other]
        if ratios:
            logs.append(float(np.median(ratios)))
    found = mean_interval(np.array(logs), confidence)
    estimate, lower, upper = (
        None if x is None else math.exp(x) for x in (found.estimate, found.lower, found.upper)
    )
    return Interval(estimate, lower, upper, found.n, confidence)
