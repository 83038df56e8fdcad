"""How large a share is, and whether it may be larger than allowed."""

from __future__ import annotations

import math

from evalkit.stats.intervals import Interval


def share_interval(count: int, n: int, confidence: float = 0.95) -> Interval:
    """Return a share with its exact binomial interval (Clopper and Pearson 1934).

    Parameters
    ----------
    count, n
        How many of how many.
    confidence
        Two-sided level; each bound alone holds at ``(1 + confidence) / 2``.

    Returns
    -------
    Interval
        Without estimate and bounds for n = 0.
    """
    if n == 0:
        return Interval(None, None, None, 0, confidence)
    from scipy.stats import binomtest

    bounds = binomtest(count, n).proportion_ci(confidence, method="exact")
    return Interval(count / n, float(bounds.low), float(bounds.high), n, confidence)


def sample_size_to_hold(share: float, confidence: float = 0.95) -> int:
    """Return the smallest n at which n of n successes show that at least `share` of all succeed.

    One-sided, at `confidence`: ``share**n <= 1 - confidence``.
    """
    return math.ceil(math.log(1 - confidence) / math.log(share))
