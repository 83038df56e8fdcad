"""Choose the smallest depth that is within a margin of the best depth, under latency, cost and quality limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.gate_verdicts import RuleFinding, decide_drop, judge_drop
from evalkit.stats import MIN_QUERIES, Interval, mean_interval
from evalkit.tuning.query_split import Split


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on the depth; None means no limit.

    Attributes
    ----------
    p95_s
        Maximum 95th percentile of a call's latency, in seconds.
    usd_per_thousand_queries
        Maximum cost.
    quality
        Minimum mean of the metric on the tuning queries.
    """

    p95_s: float | None = None
    usd_per_thousand_queries: float | None = None
    quality: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """Latency and cost of every depth.

    Attributes
    ----------
    p95_s, usd_per_thousand_queries
        ``(d,)`` for depths 1 to d; NaN if unknown.
    """

    p95_s: NDArray[np.float64]
    usd_per_thousand_queries: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Choice:
    """A recommended depth.

    Attributes
    ----------
    allowed
        Number of depths within the limits.
    best
        The allowed depth with the highest mean on the tuning queries.
    recommended
        The smallest allowed depth that is not worse than `best` by more than the margin on the tuning
        queries, as are all allowed depths between the two; None without a recommendation.
    why_not
        Why there is no recommendation.
    tuned, held_out
        Mean at the recommended depth on the tuning queries and on the held-out queries.
    checked
        Held-out test of the recommended depth against `best`; None if they are the same depth.
    beyond
        Held-out mean at the deepest depth minus the mean at `best`.
    against_first_stage
        Held-out mean at the recommended depth minus the mean of the first stage.
    """

    allowed: int
    best: int | None
    recommended: int | None
    why_not: str | None
    tuned: Interval | None = None
    held_out: Interval | None = None
    checked: RuleFinding | None = None
    beyond: Interval | None = None
    against_first_stage: Interval | None = None


def choose_depth(
    values: NDArray[np.float64],
    first_stage: NDArray[np.float64],
    split: Split,
    costs: Costs,
    limits: Limits,
    margin: float,
    alpha: float = 0.05,
    metric: str = "quality",
) -> Choice:
    """Choose a depth on the tuning queries and check it on the held-out queries.

    Parameters
    ----------
    values
        ``(q, d)`` metric of every query at depths 1 to d.
    first_stage
        ``(q,)`` metric of the first stage's order.
    split
        Rows of the tuning and the held-out queries.
    costs, limits
        Latency and cost of each depth, and the limits on them.
    margin
        Largest acceptable loss.
    alpha
        Error rate of each one-sided test. The steps to smaller depths need no correction: they end at the
        first failing test (fixed-sequence procedure).
    metric
        Name of the metric, for sentences.
    """
    tuning = values[split.tuning]
    means = tuning.mean(axis=0) if len(tuning) else np.empty(0)
    allowed = _allowed(means, costs, limits)
    if min(len(split.tuning), len(split.held_out)) < MIN_QUERIES:
        why = (
            f"{len(values)} queries are too few: a choice needs {MIN_QUERIES} to be made on and {MIN_QUERIES} to be"
            f" checked on, {2 * MIN_QUERIES} in all"
        )
        return Choice(len(allowed), None, None, why)
    if not len(allowed):
        return Choice(0, None, None, "no depth keeps to the limits, as far as it is known what depths take")
    best = int(allowed[np.argmax(means[allowed - 1])])
    recommended = _smallest(tuning, allowed, best, margin, alpha)
    others = values[split.held_out]
    return Choice(
        allowed=len(allowed),
        best=best,
        recommended=recommended,
        why_not=None,
        tuned=mean_interval(tuning[:, recommended - 1]),
        held_out=mean_interval(others[:, recommended - 1]),
        checked=None
        if recommended == best
        else judge_drop(others[:, recommended - 1] - others[:, best - 1], metric, margin, alpha),
        beyond=mean_interval(others[:, -1] - others[:, best - 1]),
        against_first_stage=mean_interval(others[:, recommended - 1] - first_stage[split.held_out]),
    )


def _allowed(means: NDArray[np.float64], costs: Costs, limits: Limits) -> NDArray[np.int64]:
    """Return the depths within the limits; an unknown latency or cost violates its limit."""
    keeps = np.ones(len(means), dtype=np.bool_)
    if limits.p95_s is not None:
        keeps &= costs.p95_s <= limits.p95_s
    if limits.usd_per_thousand_queries is not None:
        keeps &= costs.usd_per_thousand_queries <= limits.usd_per_thousand_queries
    if limits.quality is not None:
        keeps &= means >= limits.quality
    return np.flatnonzero(keeps).astype(np.int64) + 1


def _smallest(
    tuning: NDArray[np.float64], allowed: NDArray[np.int64], best: int, margin: float, alpha: float
) -> int:
    """Return the smallest depth reached from the best one while every step passes the non-inferiority test."""
    recommended = best
    for depth in allowed[allowed < best][::-1]:
        status, _ = decide_drop(tuning[:, depth - 1] - tuning[:, best - 1], margin, alpha)
        if status not in {"PASS", "IDENTICAL"}:
            break
        recommended = int(depth)
    return recommended


def interpolated(measured: Mapping[int, float], deepest: int) -> NDArray[np.float64]:
    """Return ``(d,)`` values of depths 1 to d, linear between measured depths, NaN outside of them."""
    depths = np.arange(1, deepest + 1)
    if not measured:
        return np.full(deepest, np.nan)
    at = np.array(sorted(measured))
    values = np.interp(depths, at, np.array([measured[size] for size in at]))
    return np.where((depths >= at[0]) & (depths <= at[-1]), values, np.nan)
