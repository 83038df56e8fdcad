"""Test whether a smaller depth loses no more than a margin, and how many queries can show that."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.gate_verdicts import RuleFinding
from evalkit.stats import Clusters, CorrectedMeans, mean_interval

ALPHA = 0.05
"""Error rate of each one-sided test of a depth."""
CONFIDENCE = 0.95
"""Confidence of the intervals of means and differences."""


def check_loss(
    differences: NDArray[np.float64],
    margin: float,
    alpha: float,
    clusters: Clusters | None = None,
    corrected: CorrectedMeans | None = None,
) -> RuleFinding:
    """Return whether a depth loses no more than a margin (one-sided non-inferiority test).

    Parameters
    ----------
    differences
        ``(n,)`` value at the depth minus value at the reference depth, one per query.
    margin
        Largest acceptable loss.
    alpha
        Probability of passing a true loss of exactly the margin.
    clusters
        ``(n,)`` cluster of each query; None if all are independent.
    corrected
        The corrected mean of the differences, which are people's; its bounds allow for skewness.

    Returns
    -------
    RuleFinding
        ``IDENTICAL`` if all differences are 0, ``PASS``, ``FAIL`` if the loss is above the margin, else ``CANNOT
        TELL``. Bounds are one-sided at ``1 - alpha`` each.
    """
    n = len(differences)
    same = corrected is None or (not corrected.means[0] and not corrected.errors[0])
    if n and not differences.any() and same:
        return RuleFinding("IDENTICAL", "all values are equal", 0.0, 0.0, 0.0, n)
    estimate, lower, upper = _bounds(differences, margin, alpha, clusters, corrected)
    if lower is None or upper is None or lower == upper:
        return RuleFinding("CANNOT TELL", "the values do not vary", estimate, lower, upper, n)
    if lower > -margin:
        return RuleFinding("PASS", f"no loss above {margin:g}", estimate, lower, upper, n)
    if upper < -margin:
        return RuleFinding("FAIL", f"a loss above {margin:g}", estimate, lower, upper, n)
    return RuleFinding(
        "CANNOT TELL", f"a loss above {margin:g} cannot be excluded", estimate, lower, upper, n
    )


def _bounds(
    differences: NDArray[np.float64],
    margin: float,
    alpha: float,
    clusters: Clusters | None,
    corrected: CorrectedMeans | None,
) -> tuple[float | None, float | None, float | None]:
    """Return the mean with its one-sided bounds, at level ``1 - alpha`` each."""
    if corrected is not None and corrected.clusters > 1:
        of_both = corrected.skewed(0).bounds(margin, alpha)
        return of_both.mean, of_both.lower, of_both.upper
    found = mean_interval(differences, 1 - 2 * alpha, clusters)
    return found.estimate, found.lower, found.upper


def queries_for_margin(margin: float, alpha: float) -> int:
    """Return the fewest independent queries that include, with probability ``1 - alpha``, one of a harmful share.

    A share of `margin` of all queries that lose 1 each is a loss of the margin. A sample without any of them shows no
    loss, so the t test alone would confirm the depth. ``(1 - margin)**n <= alpha``.
    """
    return math.ceil(math.log(alpha) / math.log1p(-margin) - 1e-9) if margin < 1 else 1
