"""Non-inferiority and equivalence tests of a mean paired difference, at one look or two."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.clusters import Clusters, MeanError, mean_error
from evalkit.stats.roots import root


@dataclass(frozen=True, slots=True)
class OneSidedBounds:
    """A mean with a one-sided bound on each side.

    Attributes
    ----------
    lower, upper
        One-sided bounds, each at level ``1 - alpha``; together they are a ``1 - 2 alpha`` interval.
    p_not_worse, p_not_better
        P-values for the claims "the mean is above -margin" and "the mean is below +margin".
    """

    mean: float
    lower: float
    upper: float
    p_not_worse: float
    p_not_better: float
    n: int


def one_sided_bounds(
    differences: NDArray[np.float64], margin: float, alpha: float = 0.05, clusters: Clusters | None = None
) -> OneSidedBounds:
    """Return one-sided bounds of a mean paired difference, and t tests against the margin on both sides.

    Parameters
    ----------
    differences
        ``(n,)`` contender minus baseline, of two queries or clusters at least.
    margin
        Largest acceptable loss, 0 or more.
    alpha
        Level of each one-sided test.
    clusters
        Cluster of each query; None if all are independent.

    References
    ----------
    Schuirmann 1987 (two one-sided tests); the equivalence p-value is the larger of the two.
    """
    return student_bounds(mean_error(differences, clusters), margin, alpha)


def student_bounds(found: MeanError, margin: float, alpha: float = 0.05) -> OneSidedBounds:
    """Return the bounds and tests of `one_sided_bounds` for a mean difference with its standard error."""
    from scipy.special import stdtr, stdtrit

    mean, error, degrees, n = found.mean, found.error, found.degrees, found.n
    if error == 0:
        return OneSidedBounds(mean, mean, mean, float(mean <= -margin), float(mean >= margin), n)
    half = float(stdtrit(degrees, 1 - alpha)) * error
    return OneSidedBounds(
        mean,
        mean - half,
        mean + half,
        float(stdtr(degrees, -(mean + margin) / error)),
        float(stdtr(degrees, (mean - margin) / error)),
        n,
    )


def level_of_two_looks(alpha: float) -> float:
    """Return the level of each of two looks at which their joint error is at most `alpha`.

    The second look is over all queries, and their number may be chosen after the first: that choice can raise the
    error more than two fixed looks would. The worst choice for every first result gives a joint error of
    ``level + exp(-z**2 / 2) / 4``, with z the quantile of the level. The means are taken as normal.

    References
    ----------
    Proschan and Hunsberger 1995, Biometrics 51 (largest error of a second stage of any size).
    """
    from scipy.special import ndtr

    z = root(lambda z: float(ndtr(-z)) + math.exp(-(z**2) / 2) / 4 - alpha, 0.0, 40.0)
    return float(ndtr(-z))
