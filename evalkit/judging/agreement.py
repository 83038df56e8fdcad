"""How far two raters agree beyond chance, with intervals over queries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.judging.common_grades import CommonGrades, levels_of
from evalkit.stats import (
    FEWEST_CLUSTERS,
    Interval,
    Weighting,
    alpha_sums,
    bootstrap_interval,
    cluster_sums,
    interval_alpha,
    kappa,
)

Floats = NDArray[np.float64]
MOST_LEVELS = 20
"""Levels above which there is no table of levels, and no kappa: grades are then a measurement, not levels."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic of the pairs, with its interval over queries.

    Attributes
    ----------
    estimate
        The statistic; None if it is undefined.
    lower, upper
        Bounds; None without an interval.
    confidence
        Level of the bounds.
    reason
        Why there is no estimate, or no interval; None with both.
    """

    estimate: float | None
    lower: float | None
    upper: float | None
    confidence: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of a judge with a reference on the pairs that both judged.

    Kappa is of levels: grades rounded to whole numbers, a half up. Alpha is of the grades as they are.

    Attributes
    ----------
    pairs, queries
        Their numbers. Intervals are over queries: documents of one query are not independent.
    levels
        The levels that occur; empty if there are more than `MOST_LEVELS`.
    matrix
        Number of pairs by level of the judge (rows) and of the reference (columns).
    raw
        Share of the pairs with the same level.
    kappa, linear_kappa, quadratic_kappa
        Cohen's kappa: unweighted, and weighted by the difference or the squared difference of the levels.
    alpha
        Krippendorff's alpha for an interval scale.
    """

    pairs: int
    queries: int
    levels: tuple[int, ...]
    matrix: tuple[tuple[int, ...], ...]
    raw: Estimate
    kappa: Estimate
    linear_kappa: Estimate
    quadratic_kappa: Estimate
    alpha: Estimate


def agreement(pairs: CommonGrades, confidence: float = 0.95, seed: int = 0) -> Agreement:
    """Return the agreement of two raters.

    Parameters
    ----------
    pairs
        Their grades.
    confidence
        Two-sided confidence level of the intervals.
    seed
        Seed of the bootstrap.
    """
    first, second = levels_of(pairs.judge), levels_of(pairs.reference)
    levels = np.unique(np.concatenate([first, second]))
    many = len(levels) > MOST_LEVELS
    shown = levels[:0] if many else levels
    cells = _cells_by_query(pairs, first, second, shown)
    too_many = f"there are {len(levels)} levels, more than {MOST_LEVELS}" if many else None
    undefined = _undefined(pairs.judge, pairs.reference)
    undefined_levels = too_many or _undefined(first, second)
    size = len(shown)

    def estimate(sums: Floats, statistic: Callable[[Floats], float | None], reason: str | None) -> Estimate:
        if reason is not None:
            return Estimate(None, None, None, confidence, reason)
        return _estimate(bootstrap_interval(sums, statistic, confidence, seed=seed))

    def weighted(weighting: Weighting) -> Estimate:
        return estimate(
            cells, lambda sums: kappa(sums.reshape(size, size), shown, weighting), undefined_levels
        )

    same = np.column_stack([np.ones(len(first)), first == second]).astype(np.float64)
    return Agreement(
        len(first),
        pairs.queries,
        tuple(shown.astype(int).tolist()),
        tuple(map(tuple, cells.sum(0).reshape(size, size).astype(int).tolist())),
        estimate(
            cluster_sums(same, pairs.clusters),
            lambda sums: float(sums[1] / sums[0]),
            None if len(first) else _NO_PAIR,
        ),
        weighted("unweighted"),
        weighted("linear"),
        weighted("quadratic"),
        estimate(
            cluster_sums(alpha_sums(pairs.judge, pairs.reference), pairs.clusters), interval_alpha, undefined
        ),
    )


_NO_PAIR = "no pair was judged by both"


def _cells_by_query(pairs: CommonGrades, first: Floats, second: Floats, levels: Floats) -> Floats:
    """Return ``(queries, levels * levels)`` numbers of pairs; without levels there are no cells."""
    cells = np.zeros((pairs.queries, len(levels) ** 2))
    if len(levels):
        places = np.searchsorted(levels, first) * len(levels) + np.searchsorted(levels, second)
        np.add.at(cells, (pairs.clusters, places), 1)
    return cells


def _undefined(first: Floats, second: Floats) -> str | None:
    """Return why agreement beyond chance is undefined: who has one grade only agrees by chance, or not at all."""
    if not len(first):
        return _NO_PAIR
    for name, grades in (("the judge", first), ("the reference", second)):
        if (grades == grades[0]).all():
            return f"all grades of {name} are {grades[0]:g}"
    return None


def _estimate(found: Interval) -> Estimate:
    reason = None
    if found.lower is None:
        few = found.n < FEWEST_CLUSTERS
        reason = (
            f"fewer than {FEWEST_CLUSTERS} queries: no interval"
            if few
            else "undefined in a sample of the queries: no interval"
        )
    return Estimate(found.estimate, found.lower, found.upper, found.confidence or 0.0, reason)
