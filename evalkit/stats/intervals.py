"""Confidence intervals of means, quantiles and shares, and the sample sizes they need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.clusters import Clusters, MeanError, mean_error
from evalkit.stats.distributions import binomial_bounds, share_limits

MIN_QUERIES = 30
"""Fewest queries for a verdict: Student's interval needs an approximately normal mean."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its confidence interval.

    Attributes
    ----------
    estimate
        The point estimate; None if the sample is too small.
    lower, upper
        Bounds of the interval; None if the sample is too small.
    n
        Number of observations.
    confidence
        Level of the bounds; None where a file does not record it.
    """

    estimate: float | None
    lower: float | None
    upper: float | None
    n: int
    confidence: float | None = None

    def scaled(self, factor: float) -> Interval:
        """Return the interval of the estimate times a positive factor, such as that of another unit."""
        estimate, lower, upper = (
            None if value is None else value * factor for value in (self.estimate, self.lower, self.upper)
        )
        return Interval(estimate, lower, upper, self.n, self.confidence)


def mean_interval(
    values: NDArray[np.float64], confidence: float = 0.95, clusters: Clusters | None = None
) -> Interval:
    """Return the mean with its Student-t interval.

    Parameters
    ----------
    values
        ``(n,)`` one observation per query.
    confidence
        Two-sided confidence level.
    clusters
        Cluster of each query, for the cluster-robust interval; None if all are independent.

    Returns
    -------
    Interval
        No estimate if n = 0; no bounds with fewer than two queries, or clusters.
    """
    if not len(values):
        return Interval(None, None, None, 0, confidence)
    return student_interval(mean_error(values, clusters), confidence)


def student_interval(found: MeanError, confidence: float = 0.95) -> Interval:
    """Return the Student-t interval of a mean with its standard error; no bounds with fewer than two clusters."""
    from scipy.special import stdtrit

    if found.clusters < 2:
        return Interval(found.mean, None, None, found.n, confidence)
    half = float(stdtrit(found.degrees, 0.5 + confidence / 2)) * found.error
    return Interval(found.mean, found.mean - half, found.mean + half, found.n, confidence)


def mean_or_none(values: NDArray[np.float64]) -> float | None:
    """Return the mean of the known ``(n,)`` values; None if none is known. NaN is unknown."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def none_if_nan(value: float) -> float | None:
    """Return a number; None for NaN."""
    return None if math.isnan(value) else float(value)


def quantile_interval(values: NDArray[np.float64], p: float, confidence: float = 0.95) -> Interval:
    """Return a quantile with its distribution-free interval from order statistics.

    Parameters
    ----------
    values
        ``(n,)`` independent observations.
    p
        The quantile, between 0 and 1.
    confidence
        Two-sided confidence level, half of the error on each side.

    Returns
    -------
    Interval
        No estimate and no bounds if the sample is smaller than `sample_size_for_quantile`.

    References
    ----------
    Conover, Practical Nonparametric Statistics (1999), section 3.2; `scipy.stats.quantile_test`.
    """
    n = len(values)
    if n < sample_size_for_quantile(p, confidence):
        return Interval(None, None, None, n, confidence)
    low, high = _bounding_indices(n, p, confidence)
    ordered = np.sort(values)
    return Interval(float(np.quantile(values, p)), float(ordered[low]), float(ordered[high]), n, confidence)


@cache
def _bounding_indices(n: int, p: float, confidence: float) -> tuple[int, int]:
    """Return the indices of the two order statistics, of `n` observations, that bound a quantile."""
    low, high = binomial_bounds(n, p, (1 - confidence) / 2)
    return low - 1, high


def sample_size_for_quantile(p: float, confidence: float = 0.95) -> int:
    """Return the smallest n for which a two-sided interval of quantile `p` exists.

    The smallest observation must be below the quantile, and the largest above it, each with probability
    ``1 - (1 - confidence) / 2``: ``max(p, 1 - p)**n <= (1 - confidence) / 2``.
    """
    return math.ceil(math.log((1 - confidence) / 2) / math.log(max(p, 1 - p)))


def share_interval(count: int, n: int, confidence: float = 0.95) -> Interval:
    """Return a share with its exact binomial interval (Clopper and Pearson 1934).

    Parameters
    ----------
    count, n
        Number of successes, and number of observations.
    confidence
        Two-sided confidence level; each bound alone has the one-sided level ``(1 + confidence) / 2``.

    Returns
    -------
    Interval
        No estimate and no bounds if n = 0.
    """
    if n == 0:
        return Interval(None, None, None, 0, confidence)
    return Interval(count / n, *share_limits(count, n, (1 - confidence) / 2), n, confidence)


def share_bounds(count: int, n: int, alpha: float = 0.05) -> tuple[float, float]:
    """Return exact one-sided bounds of a share, each with error rate `alpha` at most; n must be at least 1."""
    return share_limits(count, n, alpha)


def sample_size_for_share(share: float, confidence: float = 0.95) -> int:
    """Return the smallest n for which n successes in n trials show a success rate of at least `share`.

    One-sided at `confidence`: ``share**n <= 1 - confidence``.
    """
    return math.ceil(math.log(1 - confidence) / math.log(share))


def sample_size_for_count(count: int, share: float, confidence: float = 0.95) -> int:
    """Return the smallest n for which `count` cases in n observations show that a share is at most `share`.

    One-sided at `confidence`, with the exact binomial bound; with no case it is `sample_size_for_share` of the others.
    """
    from scipy.special import bdtr

    high = max(count, 1)
    while bdtr(count, high, share) > 1 - confidence:
        high *= 2
    low = count
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if bdtr(count, middle, share) > 1 - confidence else (low, middle)
    return high
