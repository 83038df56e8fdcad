"""Intervals inside the range of the values, and of differences of 0/1 values: Student's t fails near the ends."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalkit.records import SHARES, ValueRange
from evalkit.stats.clusters import Clusters, MeanError, mean_error
from evalkit.stats.intervals import Interval, mean_interval
from evalkit.stats.roots import root

_MOSTLY_EQUAL = 2 / 3
"""From this share of equal values on, the few others decide the deviation, and Student's interval is too short."""


def bounded_interval(
    values: NDArray[np.float64],
    confidence: float = 0.95,
    clusters: Clusters | None = None,
    limits: ValueRange = SHARES,
) -> Interval:
    """Return the mean of values of a range with an interval inside the range that always has a width.

    Values at the ends of the range alone get the exact binomial interval. Where two thirds of the values or more are
    equal, each bound is the wider one of Student's and of Student's with one more query of the worst possible value.
    Others get Student's interval. All are cut at the ends of the range.

    Parameters
    ----------
    values
        ``(n,)`` one observation per query.
    confidence
        Two-sided confidence level.
    clusters
        Cluster of each query; None if all are independent.
    limits
        The range of the values: 0 to 1 for most metrics.

    Returns
    -------
    Interval
        No estimate if n = 0; no bounds if n < 2. Values of an infinite range, or outside of it, get Student's interval,
        which may have no width.

    References
    ----------
    Clopper and Pearson 1934; with clusters Korn and Graubard, "Confidence intervals for proportions with small
    expected number of positive counts estimated from survey data", Survey Methodology 24 (1998).
    """
    if not limits.is_bounded or not len(values):
        return mean_interval(values, confidence, clusters)
    if limits == SHARES:
        return _share_interval(values, confidence, clusters)
    found = _share_interval((values - limits.lowest) / limits.width, confidence, clusters)
    moved = found.scaled(limits.width)
    lower, upper = (None if end is None else end + limits.lowest for end in (moved.lower, moved.upper))
    return replace(moved, estimate=float(values.mean()), lower=lower, upper=upper)


def _share_interval(values: NDArray[np.float64], confidence: float, clusters: Clusters | None) -> Interval:
    """Return the interval of `bounded_interval` for values from 0 to 1."""
    student = mean_interval(values, confidence, clusters)
    if student.lower is None or student.upper is None or values.min() < 0 or values.max() > 1:
        return student
    if ((values == 0) | (values == 1)).all():
        return _binomial(values, confidence, clusters)
    lower, upper = student.lower, student.upper
    if _are_mostly_equal(values):
        lower = min(lower, mean_interval(*_with_one_more(values, 0.0, confidence, clusters)).lower or 0.0)
        upper = max(upper, mean_interval(*_with_one_more(values, 1.0, confidence, clusters)).upper or 1.0)
    return replace(student, lower=max(lower, 0.0), upper=min(upper, 1.0))


def has_few_values(values: NDArray[np.float64], limits: ValueRange = SHARES) -> bool:
    """Return whether Student's interval of ``(n,)`` values of a range is too short, so that others are needed.

    All values are at the ends of the range, or two thirds of them or more are equal; see `bounded_interval`.
    """
    return bool(np.isin(values, (limits.lowest, limits.highest)).all()) or _are_mostly_equal(values)


def _are_mostly_equal(values: NDArray[np.float64]) -> bool:
    return bool(np.unique(values, return_counts=True)[1].max() >= _MOSTLY_EQUAL * len(values))


def _with_one_more(
    values: NDArray[np.float64], value: float, confidence: float, clusters: Clusters | None
) -> tuple[NDArray[np.float64], float, Clusters | None]:
    """Return the arguments of `mean_interval` with one more observation, or one more cluster of average size."""
    if clusters is None:
        return np.append(values, value), confidence, None
    count = int(clusters.max()) + 1
    size = max(round(len(values) / count), 1)
    return np.append(values, np.full(size, value)), confidence, np.append(clusters, np.full(size, count))


def _binomial(values: NDArray[np.float64], confidence: float, clusters: Clusters | None) -> Interval:
    from scipy.special import betaincinv

    found = mean_error(values, clusters)
    n = float(found.n) if clusters is None else _effective_size(found, confidence)
    hits, tail = found.mean * n, (1 - confidence) / 2
    lower = 0.0 if found.mean == 0 else float(betaincinv(hits, n - hits + 1, tail))
    upper = 1.0 if found.mean == 1 else float(betaincinv(hits + 1, n - hits, 1 - tail))
    return Interval(found.mean, lower, upper, found.n, confidence)


def _effective_size(found: MeanError, confidence: float) -> float:
    """Return the number of independent queries that would give the standard error of these clusters."""
    from scipy.special import stdtrit

    if not found.error > 0:  # all values are equal, or there is one cluster: each cluster counts as one query
        return float(found.clusters)
    p = 0.5 + confidence / 2
    narrower = float(stdtrit(found.clusters - 1, p) / stdtrit(found.degrees, p)) ** 2
    size = (
        found.mean * (1 - found.mean) / found.error**2 + 1
    )  # n independent queries have n - 1 in this place
    return min(size * narrower, float(found.n))


def paired_interval(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    confidence: float = 0.95,
    clusters: Clusters | None = None,
    limits: ValueRange = SHARES,
) -> Interval:
    """Return the mean of ``second - first`` with its interval: Tango's for values of 0 and 1, else Student's t.

    Parameters
    ----------
    first, second
        ``(n,)`` values of two systems on the same queries.
    confidence, clusters
        See `bounded_interval`.
    limits
        The range of the values; Tango's interval is for values from 0 to 1.
    """
    if len(first) and are_shares(first, second, limits):
        return paired_share_interval(second - first, confidence, clusters)
    return difference_mean_interval(first, second, confidence, clusters, limits)


def are_shares(first: NDArray[np.float64], second: NDArray[np.float64], limits: ValueRange = SHARES) -> bool:
    """Return whether values of a range are 0 and 1 alone, and 0 and 1 are the ends of the range."""
    return limits == SHARES and all(((values == 0) | (values == 1)).all() for values in (first, second))


def difference_mean_interval(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    confidence: float = 0.95,
    clusters: Clusters | None = None,
    limits: ValueRange = SHARES,
) -> Interval:
    """Return the mean of ``second - first`` with Student's interval, cut at the largest possible differences.

    Parameters
    ----------
    first, second
        ``(n,)`` values of two systems on the same queries.
    confidence, clusters, limits
        See `bounded_interval`.
    """
    student = mean_interval(second - first, confidence, clusters)
    inside = all(((values >= limits.lowest) & (values <= limits.highest)).all() for values in (first, second))
    if student.lower is None or student.upper is None or not inside:
        return student
    return replace(student, lower=max(student.lower, -limits.width), upper=min(student.upper, limits.width))


def paired_share_interval(
    differences: NDArray[np.float64], confidence: float = 0.95, clusters: Clusters | None = None
) -> Interval:
    """Return the mean of differences of 0/1 values with Tango's score interval for paired proportions.

    Parameters
    ----------
    differences
        ``(n,)`` values -1, 0 and 1.
    confidence
        Two-sided confidence level.
    clusters
        Cluster of each query; the counts are scaled to the effective number of queries.

    Returns
    -------
    Interval
        No estimate if n = 0. The interval is inside [-1, 1] and has a width even if all differences are 0.

    References
    ----------
    Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample design",
    Statistics in Medicine 17 (1998), equation 7.
    """
    from scipy.special import ndtri

    if not len(differences):
        return Interval(None, None, None, 0, confidence)
    estimate, n = float(differences.mean()), len(differences)
    size = float(n) if clusters is None else _effective_pairs(differences, clusters)
    up, down = float((differences > 0).mean()) * size, float((differences < 0).mean()) * size
    z = float(ndtri(0.5 + confidence / 2))

    def beyond(delta: float) -> float:
        return _tango_score(up, down, size, delta) - z

    def below(delta: float) -> float:
        return _tango_score(up, down, size, delta) + z

    edge = 1 - 1e-12
    lower = -1.0 if beyond(-edge) <= 0 else root(beyond, -edge, estimate)
    upper = 1.0 if below(edge) >= 0 else root(below, estimate, edge)
    return Interval(estimate, lower, upper, n, confidence)


def _tango_score(up: float, down: float, n: float, delta: float) -> float:
    """Return the score statistic of the hypothesis that the difference is `delta`."""
    a = 2 * n
    b = -up - down + (2 * n - up + down) * delta
    c = -down * delta * (1 - delta)
    share = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    variance = n * (2 * share + delta * (1 - delta))
    return (up - down - n * delta) / math.sqrt(variance) if variance > 0 else 0.0


def _effective_pairs(differences: NDArray[np.float64], clusters: Clusters) -> float:
    """Return the number of independent pairs that would give the standard error of these clusters."""
    found = mean_error(differences, clusters)
    variance = float(differences.var())
    if not found.error > 0 or not variance:
        return float(found.clusters)
    return min(variance / found.error**2 + 1, float(found.n))
