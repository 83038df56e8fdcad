"""Statistics of ranks; those of `scipy.stats`, which takes half a second to import."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def average_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ``(n,)`` ranks of values, from 1; equal values have the mean of their ranks."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places])


def rank_correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return Spearman's correlation of ``(n,)`` values; neither side may be constant."""
    return float(np.corrcoef(average_ranks(first), average_ranks(second))[0, 1])


def chance_of_correlation(correlation: float, n: int) -> float:
    """Return the two-sided p-value of Spearman's correlation of `n` pairs, by Student's t with n - 2 degrees."""
    from scipy.special import stdtr

    if n < 3:
        return math.nan
    rest = max((1 + correlation) * (1 - correlation), 0.0)
    value = math.inf if rest == 0 else abs(correlation) * math.sqrt((n - 2) / rest)
    return min(2 * float(stdtr(n - 2, -value)), 1.0)


def share_of_pairs_above(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return how often a value of `first` is above one of `second`, ties as a half: Mann and Whitney's U by pairs."""
    ranks = average_ranks(np.concatenate([first, second]))[: len(first)]
    return (float(ranks.sum()) - len(first) * (len(first) + 1) / 2) / (len(first) * len(second))


def largest_gap(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the largest distance of two empirical distribution functions: Kolmogorov and Smirnov's statistic."""
    everywhere = np.concatenate([first, second])
    shares = [
        np.searchsorted(np.sort(values), everywhere, side="right") / len(values) for values in (first, second)
    ]
    return float(np.abs(shares[0] - shares[1]).max())
