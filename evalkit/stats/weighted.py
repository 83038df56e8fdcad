"""Means of a population that the queries were drawn from with unequal probabilities."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.records import ValueRange
from evalkit.stats.clusters import Clusters, cluster_sums, clusters_at
from evalkit.stats.intervals import MIN_QUERIES, Interval

_MOSTLY_EQUAL = 2 / 3
"""From this share of the weight on equal values on, the few others decide the error, and the interval is too short."""
UNBOUNDED = ValueRange(-math.inf, math.inf)


@dataclass(frozen=True, slots=True, eq=False)
class DrawnWeights:
    """What the design of a sample says of its queries.

    Attributes
    ----------
    weights
        ``(n,)`` positive weight of each query in the mean.
    inclusion
        ``(n,)`` inclusion probability of each query in (0, 1]; None if the queries are a sample of a population
        without an end, so that none was certain to be drawn.
    strata
        ``(n,)`` index of the stratum that each query was drawn from, from 0 without gaps; None for one stratum.
    clusters
        ``(n,)`` cluster of each query; None if all are independent.
    """

    weights: NDArray[np.float64]
    inclusion: NDArray[np.float64] | None = None
    strata: NDArray[np.int64] | None = None
    clusters: Clusters | None = None

    def at(self, rows: NDArray[np.int64]) -> DrawnWeights:
        """Return the design of some of the queries."""
        strata = None if self.strata is None else np.unique(self.strata[rows], return_inverse=True)[1]
        return DrawnWeights(
            self.weights[rows],
            None if self.inclusion is None else self.inclusion[rows],
            None if strata is None else strata.astype(np.int64),
            clusters_at(self.clusters, rows),
        )

    @property
    def effective_size(self) -> float:
        """Kish's effective number of queries, ``(sum w)**2 / sum w**2``; with clusters, w is that of a cluster."""
        return _effective(self.weights, self.clusters)

    @property
    def chance(self) -> NDArray[np.float64]:
        """``(n,)`` probability that the draw did not take each query; 1 if inclusion probabilities are not known."""
        return np.ones(len(self.weights)) if self.inclusion is None else 1 - self.inclusion

    @property
    def effective_by_chance(self) -> float | None:
        """The effective number of queries without those that are certain; None if all are.

        A query with half of the traffic that every draw has leaves few effective queries, and no error.
        """
        if not self.chance.any():
            return None
        return _effective(np.sqrt(self.chance) * self.weights, self.clusters)

    @property
    def has_few(self) -> bool:
        """Whether too few queries were drawn by chance for an interval."""
        effective = self.effective_by_chance
        return effective is not None and effective < MIN_QUERIES


def _effective(weights: NDArray[np.float64], clusters: Clusters | None) -> float:
    sums = cluster_sums(weights[:, None], clusters)[:, 0]
    return float(sums.sum() ** 2 / (sums**2).sum()) if len(sums) else 0.0


def weighted_mean(
    values: NDArray[np.float64],
    drawn: DrawnWeights,
    confidence: float = 0.95,
    limits: ValueRange = UNBOUNDED,
) -> Interval:
    """Return Hajek's estimate of a weighted mean, ``sum(w y) / sum(w)``, with Student's interval.

    The population is the one that the queries were drawn from: with inclusion probabilities, the variance is that of
    drawing again from the same finite population, and a query that is drawn with certainty adds nothing to it.

    Parameters
    ----------
    values
        ``(n,)`` one observation per query; paired differences for a difference.
    drawn
        Weights and design.
    confidence
        Two-sided confidence level.
    limits
        The range of the values. In a bounded range, where equal values have two thirds of the weight of the queries
        drawn by chance or more, each bound is the wider one of Student's and of Student's with one more query of the
        worst value; both are cut at the ends of the range.

    Returns
    -------
    Interval
        No estimate if n = 0; no bounds if the effective number of queries that were drawn by chance is below
        `MIN_QUERIES`.

    Notes
    -----
    The estimate is linearised: query i has ``e_i = w_i (y_i - mean) / sum(w)``, and the variance is
    ``sum(a_i**2 (e_i - B)**2 / (1 - s_i))`` with ``a_i**2 = 1 - p_i`` for the inclusion probability p_i, the mean B of
    the e_i of a stratum with the weights ``a_i**2``, and the share s_i of query i in the sum of ``a_i w_i`` of its
    stratum. With equal weights this is the usual variance of a mean, with the finite population correction. Terms of a
    cluster are summed before they are squared, and strata are then ignored, as they are if one has a single random
    query: both make the interval wider. Degrees of freedom are Satterthwaite's for values of equal variance.

    References
    ----------
    Hajek, "Asymptotic theory of rejective sampling with varying probabilities from a finite population", Annals of
    Mathematical Statistics 35 (1964); Deville, "Variance estimation for complex statistics and estimators", Survey
    Methodology 25 (1999); Kish, "Survey Sampling" (1965).
    """
    n = len(values)
    if not n:
        return Interval(None, None, None, 0, confidence)
    mean, half = _mean_and_half(values, drawn, confidence)
    if drawn.has_few or math.isnan(half):
        return Interval(mean, None, None, n, confidence)
    lower, upper = mean - half, mean + half
    if limits.is_bounded and drawn.chance.any():
        if _largest_equal(values, drawn.weights * drawn.chance) >= _MOSTLY_EQUAL:
            with_lowest, with_highest = (
                _with_one_more(values, end, drawn, confidence) for end in (limits.lowest, limits.highest)
            )
            lower, upper = min(lower, with_lowest[0]), max(upper, with_highest[1])
        lower, upper = max(lower, limits.lowest), min(upper, limits.highest)
    return Interval(mean, lower, upper, n, confidence)


def _mean_and_half(
    values: NDArray[np.float64], drawn: DrawnWeights, confidence: float
) -> tuple[float, float]:
    """Return the weighted mean and half the width of its interval; nan where the error cannot be estimated."""
    from scipy.special import stdtrit

    weights = drawn.weights / drawn.weights.sum()
    mean = float(weights @ values)
    chance = drawn.chance
    if not chance.any():
        return mean, 0.0
    errors = weights * (values - mean)
    root = np.sqrt(chance)
    strata = _usable_strata(drawn, chance)
    spread = np.bincount(strata, weights=chance)
    centres = np.bincount(strata, weights=chance * errors) / np.where(spread > 0, spread, 1)
    totals = np.bincount(strata, weights=root * weights)
    shares = root * weights / np.where(totals > 0, totals, 1)[strata]
    terms = np.column_stack([root * (errors - centres[strata]), shares, root * weights])
    of_clusters = cluster_sums(terms, drawn.clusters)
    if float(of_clusters[:, 1].max()) >= 1:  # a single random query or cluster
        return mean, math.nan
    variance = float((of_clusters[:, 0] ** 2 / (1 - of_clusters[:, 1])).sum())
    sizes = of_clusters[:, 2] ** 2
    degrees = max(1.0, float(sizes.sum() ** 2 / (sizes**2).sum()) - len(spread[spread > 0]))
    return mean, float(stdtrit(degrees, 0.5 + confidence / 2)) * math.sqrt(variance)


def _usable_strata(drawn: DrawnWeights, chance: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the stratum of each query; one stratum where clusters are given, or a stratum has one random query."""
    one = np.zeros(len(chance), dtype=np.int64)
    if drawn.strata is None or drawn.clusters is not None:
        return one
    random = np.bincount(drawn.strata, weights=chance > 0)
    return one if (random == 1).any() else drawn.strata


def _largest_equal(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the largest share of the weight that equal values have."""
    _, places = np.unique(values, return_inverse=True)
    return float(np.bincount(places, weights=weights).max() / weights.sum())


def _with_one_more(
    values: NDArray[np.float64], value: float, drawn: DrawnWeights, confidence: float
) -> tuple[float, float]:
    """Return the interval with one more query of a value, of the weight of an effective query drawn by chance."""
    by_chance = drawn.weights[drawn.chance > 0].sum()
    weights = np.append(drawn.weights, by_chance / (drawn.effective_by_chance or 1.0))
    clusters, strata = drawn.clusters, drawn.strata
    more = DrawnWeights(
        weights,
        None if drawn.inclusion is None else np.append(drawn.inclusion, float(drawn.inclusion.min())),
        None if strata is None else np.append(strata, strata[int((drawn.weights * drawn.chance).argmax())]),
        None if clusters is None else np.append(clusters, int(clusters.max()) + 1),
    )
    mean, half = _mean_and_half(np.append(values, value), more, confidence)
    return (mean - half, mean + half) if not math.isnan(half) else (-math.inf, math.inf)
