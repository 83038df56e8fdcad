"""Small p-values of a sign-flip test, which counting random sign vectors cannot resolve."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.roots import root

_DRAWS = 1024
"""Draws for one p-value: its standard error is then about 5 %."""
_CHUNK = 512
"""Draws in memory at once."""


def tail_probability(
    differences: NDArray[np.float64], rng: np.random.Generator, negligible: float = 0.0
) -> float:
    """Return the two-sided p-value of a sign-flip test, however small it is, by importance sampling.

    Signs are drawn such that the sum is the observed one on average; each draw counts with the ratio of its true
    probability to that with which it was drawn.

    Parameters
    ----------
    differences
        ``(n,)`` differences; their sum is not 0.
    rng
        Source of the signs.
    negligible
        Where Chernoff's bound of the p-value is below this, that bound is returned without drawing.

    References
    ----------
    Mehta, Patel and Senchaudhuri, "Importance sampling for estimating exact probabilities in permutational
    inference", Journal of the American Statistical Association 83 (1988).
    """
    from scipy.special import expit

    sizes = np.abs(differences[differences != 0])
    sizes = sizes / sizes.max()
    observed = abs(float(differences.sum())) / float(np.abs(differences).max())
    if observed >= float(sizes.sum()) * (1 - 1e-12):  # only the observed signs, and their opposites, reach it
        return float(2.0 ** (1 - len(sizes)))

    def excess(tilt: float) -> float:
        return float((sizes * np.tanh(tilt * sizes)).sum()) - observed

    upper = 1.0
    while excess(upper) < 0:
        upper *= 2
    tilt = root(excess, 0.0, upper)
    log_moment = float(np.logaddexp(tilt * sizes, -tilt * sizes).sum()) - len(sizes) * math.log(2)
    bound = 2 * math.exp(log_moment - tilt * observed)
    if bound < negligible:
        return bound
    positive, shape = expit(2 * tilt * sizes), (_CHUNK, len(sizes))
    chunks = [
        np.where(rng.random(shape, dtype=np.float32) < positive, sizes, -sizes).sum(axis=1)
        for _ in range(_DRAWS // _CHUNK)
    ]
    sums = np.concatenate(chunks)
    weights = np.exp(log_moment - tilt * sums) * (sums >= observed * (1 - 1e-12))
    return float(min(2 * weights.mean(), 1.0))
