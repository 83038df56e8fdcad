"""What a set of queries can show: the smallest difference it would find, the queries a margin takes."""

from __future__ import annotations

import math

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
    from scipy.optimize import brentq

    if n < 2:
        return None
    if deviation == 0:
        return 0.0
    # In units of the standard error; 60 of them are found by any test with two queries or more.
    effect = brentq(lambda shift: _power(shift, n, alpha, sides) - power, 1e-9, 1e4)
    return float(effect) * deviation / math.sqrt(n)


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
    if sides == 2:
        found += float(nct.cdf(-critical, n - 1, shift))
    return 1.0 if math.isnan(found) else found
