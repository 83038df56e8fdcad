"""The latency ratio of two rerankers within one run."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from evalkit.stats import Interval, mean_interval

Round = Mapping[str, float]
"""Query id -> seconds of its call in one round."""


def latency_ratio(
    baseline: Mapping[int, Round], contender: Mapping[int, Round], confidence: float
) -> Interval:
    """Return the ratio of two latencies, contender to baseline, with its t interval over rounds; n counts rounds.

    Each round contributes the median over queries of the log ratio of the two calls. Both calls have the same
    batch within the same minute, so that the effects of texts and machine cancel.

    Parameters
    ----------
    baseline, contender
        Round -> query id -> seconds.
    confidence
        Two-sided confidence level.
    """
    logs = []
    for number in sorted(baseline.keys() & contender.keys()):
        before, after = baseline[number], contender[number]
        # A coarse clock may measure 0 s, which has no logarithm.
        ratios = [math.log(after[query] / s) for query, s in before.items() if s > 0 < after.get(query, 0.0)]
        if ratios:
            logs.append(float(np.median(ratios)))
    found = mean_interval(np.array(logs), confidence)
    estimate, lower, upper = (
        None if x is None else math.exp(x) for x in (found.estimate, found.lower, found.upper)
    )
    return Interval(estimate, lower, upper, found.n, confidence)
