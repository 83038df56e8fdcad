"""One-sided bounds of means: non-inferiority and equivalence tests, and bounds of values between 0 and 1."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.intervals import share_bounds

_MOSTLY_EQUAL = 2 / 3
"""Share of equal values from which Student's bounds of values between 0 and 1 are widened."""


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


def one_sided_bounds(differences: NDArray[np.float64], margin: float, alpha: float = 0.05) -> OneSidedBounds:
    """Return one-sided bounds of a mean paired difference, and t tests against the margin on both sides.

    Parameters
    ----------
    differences
        ``(n,)`` contender minus baseline; n must be at least 2.
    margin
        Largest acceptable loss, 0 or more.
    alpha
        Level of each one-sided test.

    References
    ----------
    Schuirmann 1987 (two one-sided tests); the equivalence p-value is the larger of the two.
    """
    from scipy.special import stdtr, stdtrit

    n = len(differences)
    mean, error = float(differences.mean()), float(differences.std(ddof=1)) / math.sqrt(n)
    if error == 0:
        return OneSidedBounds(mean, mean, mean, float(mean <= -margin), float(mean >= margin), n)
    half = float(stdtrit(n - 1, 1 - alpha)) * error
    return OneSidedBounds(
        mean,
        mean - half,
        mean + half,
        float(stdtr(n - 1, -(mean + margin) / error)),
        float(stdtr(n - 1, (mean - margin) / error)),
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
    from scipy.optimize import brentq
    from scipy.special import ndtr

    z = brentq(lambda z: ndtr(-z) + math.exp(-(z**2) / 2) / 4 - alpha, 0.0, 40.0)
    return float(ndtr(-z))


def bounded_mean_bounds(values: NDArray[np.float64], alpha: float = 0.05) -> OneSidedBounds:
    """Return one-sided bounds of the mean of values between 0 and 1 that are never of zero width.

    Values that are all 0 or 1 have exact binomial bounds. Where two thirds of the values or more are equal, few
    values decide the deviation, and Student's bound is too narrow: then each bound is the wider one of Student's, and
    Student's with one more query at the worst possible value. Other values, and values outside 0 to 1, have
    Student's bounds.

    Parameters
    ----------
    values
        ``(n,)`` one value per query; n must be at least 2.
    alpha
        Error rate of each bound.

    References
    ----------
    Clopper and Pearson 1934 (exact binomial bounds).
    """
    found = one_sided_bounds(values, 0.0, alpha)
    different, counts = np.unique(values, return_counts=True)
    if set(different) <= {0.0, 1.0}:
        lower, upper = share_bounds(int(values.sum()), len(values), alpha)
        return replace(found, lower=lower, upper=upper)
    if different[0] < 0 or different[-1] > 1 or counts.max() < _MOSTLY_EQUAL * len(values):
        return found
    lowered = one_sided_bounds(np.append(values, 0.0), 0.0, alpha).lower
    raised = one_sided_bounds(np.append(values, 1.0), 0.0, alpha).upper
    return replace(found, lower=max(0.0, min(found.lower, lowered)), upper=min(1.0, max(found.upper, raised)))
