"""Power of the paired t test: minimum detectable difference, and number of queries needed."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

POWER = 0.8
"""Default power: probability of detecting a difference of the stated size."""
_MAX_QUERIES = 10**9


def minimum_detectable_effect(
    deviation: float, n: int, alpha: float = 0.05, *, sides: int = 2, power: float = POWER
) -> float | None:
    """Return the minimum detectable difference: the smallest mean paired difference a t test detects with `power`.

    Parameters
    ----------
    deviation
        Standard deviation of the differences.
    n
        Number of queries.
    alpha
        Level of the test.
    sides
        2 for a two-sided test, 1 for a one-sided test such as a non-inferiority test.
    power
        Probability of detection.

    Returns
    -------
    The difference by the non-central t distribution; None if n < 2.
    """
    if n < 2:
        return None
    if deviation == 0:
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy warns about tails it cannot compute; `_power` handles them
        return _detectable_shift(n, alpha, sides, power) * deviation / math.sqrt(n)


def _detectable_shift(n: int, alpha: float, sides: int, power: float) -> float:
    """Return the smallest mean, in standard errors, that a t test detects with `power`."""
    from scipy.optimize import brentq

    upper = 8.0  # small at first: scipy needs a thousand times as long for large shifts
    while _power(upper, n, alpha, sides) < power:
        upper *= 2
    return float(brentq(lambda shift: _power(shift, n, alpha, sides) - power, 1e-9, upper))


def queries_needed(
    deviation: float, difference: float, alpha: float = 0.05, *, sides: int = 2, power: float = POWER
) -> int | None:
    """Return the number of queries that a t test needs to detect a mean paired difference.

    Parameters
    ----------
    deviation, alpha, sides, power
        See `minimum_detectable_effect`.
    difference
        Absolute size of the difference.

    Returns
    -------
    The number; None if the difference is not above 0, or if the search passes 10^9 queries.
    """
    if difference <= 0:
        return None
    if deviation == 0:
        return 2

    def is_enough(n: int) -> bool:
        return _power(difference / deviation * math.sqrt(n), n, alpha, sides) >= power

    low, high = 2, 2
    while not is_enough(high):
        low, high = high, high * 2
        if high > _MAX_QUERIES:
            return None
    while low < high:
        middle = (low + high) // 2
        if is_enough(middle):
            high = middle
        else:
            low = middle + 1
    return high


def _power(shift: float, n: int, alpha: float, sides: int) -> float:
    """Return the probability that a t test over `n` queries detects a mean of `shift` standard errors."""
    from scipy.stats import nct, t

    critical = float(t.ppf(1 - alpha / sides, n - 1))
    near_tail = float(nct.sf(critical, n - 1, shift))
    if math.isnan(near_tail):  # the shift is too large for scipy: the probability is 1
        near_tail = 1.0
    far_tail = float(nct.cdf(-critical, n - 1, shift)) if sides == 2 else 0.0
    # scipy returns nan for a tail that is too small to compute.
    return near_tail + (0.0 if math.isnan(far_tail) else far_tail)


def standard_deviation_within(groups: Sequence[NDArray[np.float64]]) -> float | None:
    """Return the pooled standard deviation within groups.

    Parameters
    ----------
    groups
        ``(n,)`` values of each group.

    Returns
    -------
    ``sqrt(sum of squared deviations from the group mean / sum of (n - 1))``; None if no group has two values.
    """
    degrees_of_freedom = sum(len(group) - 1 for group in groups if len(group))
    if degrees_of_freedom < 1:
        return None
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups if len(group))
    return float(np.sqrt(squares / degrees_of_freedom))
