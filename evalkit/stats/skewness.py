"""Bounds of a mean that allow for skewness, where Student's t fails: few queries, or a small error rate."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.clusters import Clusters, MeanError, cluster_sums, mean_error
from evalkit.stats.intervals import Interval
from evalkit.stats.noninferiority import OneSidedBounds, student_bounds


@dataclass(frozen=True, slots=True)
class SkewedMean:
    """A mean whose bounds and test allow for skewness.

    Attributes
    ----------
    found
        The mean with its standard error, as for Student's interval.
    third
        Third cumulant of the mean; with 0 the bounds and the test are Student's.
    """

    found: MeanError
    third: float

    def bounds(self, margin: float, alpha: float = 0.05) -> OneSidedBounds:
        """Return one-sided bounds, each the wider one of Student's and of that with the shift by skewness.

        Parameters
        ----------
        margin, alpha
            See `evalkit.stats.one_sided_bounds`.
        """
        shift = shift_of_bounds(self.third, self.found, alpha)
        return shifted(student_bounds(self.found, margin, alpha), shift)

    def interval(self, confidence: float = 0.95) -> Interval:
        """Return the mean between two of its `bounds`; no bounds with fewer than two clusters."""
        mean, n = self.found.mean, self.found.n
        if self.found.clusters < 2:
            return Interval(mean, None, None, n, confidence)
        both = self.bounds(0.0, (1 - confidence) / 2)
        return Interval(mean, both.lower, both.upper, n, confidence)

    def p_value(self) -> float | None:
        """Return twice the level at which one of the `bounds` is 0; None without a standard error.

        So it is at most ``1 - confidence`` where `interval` does not contain 0, and never below that of Student's test.
        """
        from scipy.special import stdtr

        found = self.found
        if not found.error > 0:
            return None
        ratio = abs(found.mean) / found.error
        third = self.third * (1 if found.mean < 0 else -1)
        skewness = max(third, 0.0) / (6 * found.error**3)
        if ratio <= skewness:
            return 1.0
        # the quantile t with t + skewness (1 + 2 t**2) = ratio, in a form without cancellation
        t = 2 * (ratio - skewness) / (1 + math.sqrt(1 + 8 * skewness * (ratio - skewness)))
        return 2 * float(stdtr(found.degrees, -t))


def third_cumulant(values: NDArray[np.float64], clusters: Clusters | None = None) -> float:
    """Return the third cumulant of the mean of ``(n,)`` values; for parameters see `skewness_shift`."""
    sums = cluster_sums((values - values.mean())[:, None], clusters)
    return float((sums**3).sum()) / len(values) ** 3


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
    return shift_of_bounds(third_cumulant(values, clusters), mean_error(values, clusters), alpha)


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
