"""Power of the paired t test: minimum detectable difference, number of queries needed, and their ranges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.distributions import noncentral_t_above, noncentral_t_below
from evalkit.stats.roots import root

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
    return _detectable_shift(n, alpha, sides, power) * deviation / math.sqrt(n)


@cache
def _detectable_shift(n: int, alpha: float, sides: int, power: float) -> float:
    """Return the smallest mean, in standard errors, that a t test detects with `power`."""
    upper = 8.0  # small at first: scipy needs a thousand times as long for large shifts
    while _power(upper, n, alpha, sides) < power:
        upper *= 2
    return root(lambda shift: _power(shift, n, alpha, sides) - power, 1e-9, upper)


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

    low, high = _bracket(is_enough, _approximate_number(difference / deviation, alpha, sides, power))
    return None if high > _MAX_QUERIES else fewest_enough(is_enough, low, high)


def fewest_enough(is_enough: Callable[[int], bool], low: int, high: int) -> int:
    """Return the smallest number from `low` to `high` that is enough; `high` is, and so is each above another one."""
    while low < high:
        middle = (low + high) // 2
        if is_enough(middle):
            high = middle
        else:
            low = middle + 1
    return high


def _approximate_number(effect: float, alpha: float, sides: int, power: float) -> int:
    """Return about how many queries a t test needs for a mean of `effect` standard deviations; 2 at least.

    References
    ----------
    Guenther, "Sample size formulas for normal theory t tests", The American Statistician 35 (1981).
    """
    from scipy.special import ndtri

    z = float(ndtri(1 - alpha / sides))
    number = ((z + float(ndtri(power))) / effect) ** 2 + z**2 / 2
    return max(2, math.ceil(min(number, 2.0 * _MAX_QUERIES)))


def _bracket(is_enough: Callable[[int], bool], guess: int) -> tuple[int, int]:
    """Return numbers of queries, at least 2, between which the smallest number that is enough lies.

    The search goes away from a guess in steps that double, and ends above `_MAX_QUERIES`.
    """
    step = 1
    if is_enough(guess):
        low = high = guess
        while low > 2 and is_enough(low):
            low, high = max(2, low - step), low
            step *= 2
        return low, high
    low = high = guess
    while high <= _MAX_QUERIES and not is_enough(high):
        low, high = high, high + step
        step *= 2
    return low, high


def deviation_range(deviation: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the confidence interval of a standard deviation, from the chi-square distribution.

    Parameters
    ----------
    deviation
        Standard deviation of n normal observations.
    n
        Number of observations, 2 or more.
    confidence
        Two-sided confidence level.
    """
    from scipy.special import chdtri

    tail = (1 - confidence) / 2
    low, high = (deviation * math.sqrt((n - 1) / float(chdtri(n - 1, upper))) for upper in (tail, 1 - tail))
    return low, high


def detectable_range(
    deviation: float, n: int, alpha: float = 0.05, *, sides: int = 2, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Return the confidence interval of `minimum_detectable_effect`: the deviation is itself an estimate.

    Parameters
    ----------
    deviation, n, alpha, sides
        See `minimum_detectable_effect`.
    confidence
        Confidence level of the range.

    Returns
    -------
    Lower and upper bound at 80 % power; None if n < 2.
    """
    found = minimum_detectable_effect(deviation, n, alpha, sides=sides)
    if found is None or deviation == 0:
        return None if found is None else (0.0, 0.0)
    low, high = deviation_range(deviation, n, confidence)
    return found * low / deviation, found * high / deviation


def queries_needed_range(
    deviation: float,
    n: int,
    difference: float,
    alpha: float = 0.05,
    *,
    sides: int = 2,
    confidence: float = 0.95,
) -> tuple[int | None, int | None]:
    """Return the confidence interval of `queries_needed`: the deviation is itself an estimate from n queries.

    Parameters
    ----------
    deviation, difference, alpha, sides
        See `queries_needed`.
    n
        Number of queries that `deviation` is estimated from, 2 or more.
    confidence
        Confidence level of the range.

    Returns
    -------
    Fewest and most queries for 80 % power; None where `queries_needed` is.
    """
    low, high = deviation_range(deviation, n, confidence)
    return (
        queries_needed(low, difference, alpha, sides=sides),
        queries_needed(high, difference, alpha, sides=sides),
    )


def chance_of_detecting(
    difference: float, deviation: float, n: int, alpha: float = 0.05, *, sides: int = 2
) -> float | None:
    """Return the power of a t test: how often `n` queries detect a mean difference; None without a deviation.

    A non-inferiority test with margin `difference` passes an unchanged system this often, with ``sides=1``.
    """
    if n < 2 or deviation <= 0:
        return None
    return min(1.0, _power(difference / deviation * math.sqrt(n), n, alpha, sides))


def _power(shift: float, n: int, alpha: float, sides: int) -> float:
    """Return the probability that a t test over `n` queries detects a mean of `shift` standard errors."""
    from scipy.special import stdtrit

    critical = float(stdtrit(n - 1, 1 - alpha / sides))
    near_tail = noncentral_t_above(critical, n - 1, shift)
    if math.isnan(near_tail):  # the shift is too large for scipy: the probability is 1
        near_tail = 1.0
    far_tail = noncentral_t_below(-critical, n - 1, shift) if sides == 2 else 0.0
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
