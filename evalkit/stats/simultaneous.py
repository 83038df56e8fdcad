"""Intervals of several means that all hold at once, from the joint covariance of the means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.roots import root

_DIRECTIONS = 40_000
"""Directions over which the multivariate t distribution is averaged."""
_GROUPS = 400
"""Groups of directions with nearly the same value, which are evaluated once."""


def simultaneous_quantile(covariance: NDArray[np.float64], degrees: float, confidence: float = 0.95) -> float:
    """Return how many standard errors wide, on each side, intervals of k means are that all hold at once.

    That is the quantile of the largest ``|t|`` of a multivariate t distribution. It is between the quantile of one
    interval alone and that of Šidák's inequality, which holds for any dependence.

    Parameters
    ----------
    covariance
        ``(k, k)`` covariance of the means; one without a variance needs no interval and does not count.
    degrees
        Degrees of freedom.
    confidence
        Two-sided confidence level of all intervals together.

    Notes
    -----
    In each direction of space the length of a multivariate t vector has an F distribution; the probability that all
    intervals hold is its mean over directions, always the same ones. For up to 10 means the quantile is within .006 of
    the exact one.

    References
    ----------
    Dunnett, "A multiple comparison procedure for comparing several treatments with a control", Journal of the American
    Statistical Association 50 (1955); Deak, "Computing probabilities of rectangles in case of multinormal
    distribution", Journal of Statistical Computation and Simulation 26 (1986); Šidák 1967 (see `joint_confidence`).
    """
    from scipy.special import fdtr, stdtrit

    errors = np.sqrt(np.diag(covariance))
    used = errors > 0
    count = int(used.sum())
    alone = float(stdtrit(degrees, 0.5 + confidence / 2))
    if count < 2:
        return alone
    sidak = float(stdtrit(degrees, 0.5 + confidence ** (1 / count) / 2))
    correlation = covariance[np.ix_(used, used)] / np.outer(errors[used], errors[used])
    largest = np.sort(_largest_along(correlation)).reshape(_GROUPS, -1)
    squares = count * (largest**2).mean(axis=1)

    def excess(quantile: float) -> float:
        return float(fdtr(count, degrees, quantile**2 / squares).mean()) - confidence

    return sidak if excess(sidak) <= 0 else alone if excess(alone) >= 0 else root(excess, alone, sidak)


def _largest_along(correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest absolute coordinate along each direction, per unit of length before vectors are correlated."""
    values, vectors = np.linalg.eigh(correlation)
    normal = np.random.default_rng(0).normal(size=(_DIRECTIONS, len(values)))
    lengths = np.sqrt((normal**2).sum(axis=1, keepdims=True))
    along = np.abs(normal / lengths @ (vectors * np.sqrt(np.maximum(values, 0))).T)
    largest: NDArray[np.float64] = along.max(axis=1)
    return largest
