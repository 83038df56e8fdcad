"""Bounds of a mean that allow for skewness, where Student's t fails: few queries, or a small error rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.clusters import Clusters, MeanError, cluster_sums, mean_error
from evalkit.stats.noninferiority import OneSidedBounds


def skewness_shift(values: NDArray[np.float64], alpha: float, clusters: Clusters | None = None) -> float:
    """Return by how much skewness moves both one-sided bounds of a mean, compared with Student's t.

    The shift is ``k3 (1 + 2 t**2) / (6 e**2)``, with the third cumulant k3 and the standard error e of the mean and
    the quantile t of Student's distribution. It is 0 without a spread.

    Parameters
    ----------
    values
        ``(n,)`` observations, at least two.
    alpha
        Error rate of each bound.
    clusters
        Cluster of each observation; None if all are independent.

    References
    ----------
    Johnson, "Modified t tests and confidence intervals for asymmetrical populations", Journal of the American
    Statistical Association 73 (1978), with (mean - mu)**2 at the bound.
    """
    found = mean_error(values, clusters)
    sums = cluster_sums((values - found.mean)[:, None], clusters)
    return shift_of_bounds(float((sums**3).sum()) / found.n**3, found, alpha)


def shift_of_bounds(third: float, found: MeanError, alpha: float) -> float:
    """Return the shift of `skewness_shift` for the third cumulant of a mean, and its standard error."""
    from scipy.special import stdtrit

    if not found.error > 0:
        return 0.0
    t = float(stdtrit(found.degrees, 1 - alpha))
    return third * (1 + 2 * t**2) / (6 * found.error**2)


def allow_for_skewness(
    bounds: OneSidedBounds, values: NDArray[np.float64], alpha: float, clusters: Clusters | None = None
) -> OneSidedBounds:
    """Return bounds of which each is the wider one of Student's and of that with `skewness_shift`."""
    return shifted(bounds, skewness_shift(values, alpha, clusters))


def shifted(bounds: OneSidedBounds, shift: float) -> OneSidedBounds:
    """Return bounds of which each is the wider one of the given and of the given with a shift."""
    return replace(
        bounds, lower=min(bounds.lower, bounds.lower + shift), upper=max(bounds.upper, bounds.upper + shift)
    )
