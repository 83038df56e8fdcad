"""How large a change of scores must be to matter: beyond rounding, noise, and a share of their spread in a list."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import standard_deviation_within

TOLERANCE = 0.05
"""Tolerated change of a pair's score, as a share of the scores' standard deviation within a query.

Larger than rounding, and too small to matter."""
NOISE_FACTOR = 3.0
"""A change counts only if it is larger than this many times the change between two identical requests."""
ROUNDING = 1e-6
"""Differences between scores up to this share of the largest one are rounding of single precision."""


def list_spread(lists: Sequence[NDArray[np.float64]]) -> float | None:
    """Return the standard deviation of scores within lists; 0 if it is rounding, None if no list has two scores.

    Parameters
    ----------
    lists
        ``(n,)`` scores of each list.
    """
    spread = standard_deviation_within(lists)
    if spread is None:
        return None
    return 0.0 if spread <= rounding_of(*lists) else spread


def rounding_of(*lists: NDArray[np.float64]) -> float:
    """Return the size up to which differences between scores of these lists are rounding."""
    return ROUNDING * max((float(np.abs(one).max()) for one in lists if len(one)), default=0.0)


def tolerance_of(spread: float | None, rounding: float) -> float:
    """Return the largest change of a score that does not matter.

    Parameters
    ----------
    spread
        Standard deviation of the scores within a query; None if unknown: changes beyond rounding matter then.
    rounding
        Size up to which differences are rounding.
    """
    return max(TOLERANCE * (spread or 0.0), rounding)


def is_beyond(moved: float, again: float, tolerance: float) -> bool:
    """Return whether a change matters: `again` is the change between two identical requests."""
    return moved > tolerance and moved > NOISE_FACTOR * again
