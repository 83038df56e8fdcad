"""Draw from a finite population with known inclusion probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CERTAIN = 1 - 1e-12
"""From this probability on a unit is taken with certainty: the rest is an error of rounding."""


def proportional_probabilities(sizes: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return inclusion probabilities that are proportional to size, and sum to `n`.

    Units whose probability would be 1 or more are taken with certainty; the others share the rest of the sample in
    proportion to their sizes, which may make more of them certain.

    Parameters
    ----------
    sizes
        ``(N,)`` positive sizes, such as frequencies.
    n
        Size of the sample, at most N.

    References
    ----------
    Tille, "Sampling Algorithms" (2006), section 2.10.
    """
    found = np.zeros(len(sizes))
    descending = np.argsort(-sizes, kind="stable")
    ordered = sizes[descending]
    left = np.cumsum(ordered[::-1])[::-1]  # the size of a unit and of all smaller ones
    # A unit is certain if all larger ones are, and its share of what they leave is a whole draw or more.
    is_certain = (n - np.arange(len(sizes))) * ordered >= left * _CERTAIN
    certain = len(sizes) if is_certain.all() else int(np.argmin(is_certain))
    certain = min(certain, n)
    found[descending[:certain]] = 1.0
    if certain < n:
        found[descending[certain:]] = (n - certain) * ordered[certain:] / left[certain]
    return found


def systematic_draw(probabilities: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the ``(n,)`` indices, ascending, of a systematic sample from the units in random order.

    Every unit is drawn with exactly its probability, at most once, and the size of the sample is always the sum of the
    probabilities. Most pairs of units can be drawn together, so that `weighted_mean` may estimate the variance from
    the probabilities of single units. The time is linear in the number of units.

    Parameters
    ----------
    probabilities
        ``(N,)`` inclusion probabilities in (0, 1], whose sum is a whole number.
    rng
        Generator of the order and of the start.

    References
    ----------
    Madow, "On the theory of systematic sampling, II", Annals of Mathematical Statistics 20 (1949); Hartley and Rao,
    "Sampling with unequal probabilities and without replacement", Annals of Mathematical Statistics 33 (1962).
    """
    certain = probabilities >= _CERTAIN
    others = rng.permutation(np.flatnonzero(~certain))
    count = round(float(probabilities[others].sum()))
    if not count:
        return np.flatnonzero(certain)
    sums = np.cumsum(probabilities[others])
    points = (rng.random() + np.arange(count)) * (
        sums[-1] / count
    )  # the sum is a whole number but for rounding
    places = np.minimum(np.searchsorted(sums, points, side="right"), len(others) - 1)
    return np.sort(np.concatenate([np.flatnonzero(certain), others[places]]))


def equal_allocation(sizes: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return how many units to draw from each stratum: equally many, or all of a stratum with fewer.

    Parameters
    ----------
    sizes
        ``(h,)`` number of units of each stratum.
    n
        Size of the sample, at most the sum of the sizes. A remainder goes to the first strata.
    """
    found = np.zeros(len(sizes), dtype=np.int64)
    while (left := n - int(found.sum())) > 0:
        waiting = np.flatnonzero(found < sizes)
        share = left // len(waiting)
        if not share:
            waiting = waiting[np.argsort(found[waiting], kind="stable")][:left]
        found[waiting] = np.minimum(found[waiting] + max(share, 1), sizes[waiting])
    return found
