"""Non-inferiority and equivalence tests of a mean paired difference."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
