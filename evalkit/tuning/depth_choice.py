"""The smallest depth that is as good as the best one, under constraints."""

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
    """What a depth must keep to; None where it may be anything.

    Attributes
    ----------
    p95_s
        Seconds of the 95th percentile of a call's latency, at most.
    usd_per_thousand_queries
        Cost, at most.
    quality
        Mean of the metric on the tuning queries, at least.
    """

    p95_s: float | None = None
    usd_per_thousand_queries: float | None = None
    quality: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """What every depth takes, as far as it is known.

    Attributes
    ----------
    p95_s, usd_per_thousand_queries
        ``(d,)`` for depths 1 to d; NaN where unknown.
    """

    p95_s: NDArray[np.float64]
    usd_per_thousand_queries: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Choice:
    """A recommended depth.

    Attributes
    ----------
    allowed
        Depths that keep to the limits.
    best
        The allowed depth with the highest mean on the tuning queries.
    recommended
        The smallest allowed depth that is not worse than `best` by more than the margin on the tuning
        queries, each step from `best` downwards passing; None where nothing may be recommended.
    why_not
        Why there is no recommendation.
    tuned, held_out
        Mean at the recommended depth on the queries it was chosen on, and on the others.
    checked
        On the others: the recommended depth against `best`; None where they are the same depth.
    beyond
        On the others: mean at the deepest depth minus that at `best`.
    against_first_stage
        On the others: mean at the recommended depth minus that of the first stage.
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
    """Choose on one half of the queries, check on the other.

    Parameters
    ----------
    values
        ``(q, d)`` of every query at depths 1 to d.
    first_stage
        ``(q,)`` values of the candidates' own order.
    split
        The halves.
    costs, limits
        What depths take, and may take.
    margin
        A loss that does not matter.
    alpha
        Error of each one-sided statement; the steps down need no correction, since the first that does
        not pass ends them (fixed sequence).
    metric
        Named in sentences.
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
    """Return the depths that keep to the limits; what is unknown does not."""
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
    """Go down from the best depth as long as nothing is lost beyond the margin."""
    recommended = best
    for depth in allowed[allowed < best][::-1]:
        status, _ = decide_drop(tuning[:, depth - 1] - tuning[:, best - 1], margin, alpha)
        if status not in {"PASS", "IDENTICAL"}:
            break
        recommended = int(depth)
    return recommended


def interpolated(measured: Mapping[int, float], deepest: int) -> NDArray[np.float64]:
    """Return ``(d,)`` values of depths 1 to d, straight lines between what was measured; NaN outside."""
    depths = np.arange(1, deepest + 1)
    if not measured:
        return np.full(deepest, np.nan)
    at = np.array(sorted(measured))
    values = np.interp(depths, at, np.array([measured[size] for size in at]))
    return np.where((depths >= at[0]) & (depths <= at[-1]), values, np.nan)
