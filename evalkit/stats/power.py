"""What a set of queries can show: the smallest difference it would find, the queries a margin takes."""

from __future__ import annotations

import math
import warnings

POWER = 0.8
"""Chance with which a difference of the stated size is to be found."""
_MOST_QUERIES = 10**9


def minimum_detectable_effect(
    deviation: float, n: int, alpha: float = 0.05, *, sides: int = 2, power: float = POWER
) -> float | None:
    """Return the smallest mean paired difference that a t test would find with the stated chance.

    Parameters
    ----------
    deviation
        Standard deviation of the differences.
    n
        Queries.
    alpha
        Level of the test.
    sides
        2 for a test in both directions, 1 for one; the margin of a non-inferiority test is one-sided.
    power
        The chance.

    Returns
    -------
    By the non-central t distribution; None below two queries.
    """
    if n < 2:
        return None
    if deviation == 0:
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tails that cannot be computed: `_power` knows what they come to
        return _smallest(n, alpha, sides, power) * deviation / math.sqrt(n)


def _smallest(n: int, alpha: float, sides: int, power: float) -> float:
    """Return the shift, in standard errors, that is found with some chance."""
    from scipy.optimize import brentq

    most = 8.0  # far out the distribution takes a thousand times as long
    while _power(most, n, alpha, sides) < power:
        most *= 2
    return float(brentq(lambda shift: _power(shift, n, alpha, sides) - power, 1e-9, most))


def queries_needed(
    deviation: float, difference: float, alpha: float = 0.05, *, sides: int = 2, power: float = POWER
) -> int | None:
    """Return how many queries it takes to find a mean paired difference; None beyond any number.

    Parameters
    ----------
    deviation, alpha, sides, power
        See `minimum_detectable_effect`.
    difference
        Its absolute size.
    """
    if difference <= 0:
        return None
    low, high = 2, 2
    while (
        _power(difference / deviation * math.sqrt(high), high, alpha, sides) < power if deviation else False
    ):
        low, high = high, high * 2
        if high > _MOST_QUERIES:
            return None
    while low < high:
        middle = (low + high) // 2
        if _power(difference / deviation * math.sqrt(middle), middle, alpha, sides) < power:
            low = middle + 1
        else:
            high = middle
    return high


def _power(shift: float, n: int, alpha: float, sides: int) -> float:
    """Return the chance that a t test over `n` queries finds a mean of `shift` standard errors."""
    from scipy.stats import nct, t

    critical = float(t.ppf(1 - alpha / sides, n - 1))
    found = float(nct.sf(critical, n - 1, shift))
    found = 1.0 if math.isnan(found) else found  # a shift so large that the distribution cannot be computed
    other = float(nct.cdf(-critical, n - 1, shift)) if sides == 2 else 0.0
    return (
        found if math.isnan(other) else found + other
    )  # a tail so far that it cannot: nothing is left of it
