"""Choose the smallest depth within a margin of the deepest allowed depth, under latency, cost and quality limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.gate_verdicts import RuleFinding
from evalkit.comparison.looks import level
from evalkit.stats import MIN_QUERIES, Clusters, Interval
from evalkit.tuning.depth_check import ALPHA, queries_for_margin
from evalkit.tuning.depth_values import DepthValues, JudgedDepths
from evalkit.tuning.query_split import Split

ROUNDING = 1e-9
"""Relative excess over a limit of cost that counts as rounding."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on the depth; None means no limit.

    Attributes
    ----------
    p95_s
        Maximum 95th percentile of a call's latency, in seconds; the upper bound of its interval must keep to it.
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
    p95_upper_s
        ``(d,)`` upper bounds of the intervals of `p95_s`; NaN if unknown. Limits are compared with these.
    """

    p95_s: NDArray[np.float64]
    usd_per_thousand_queries: NDArray[np.float64]
    p95_upper_s: NDArray[np.float64]


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
        The depth to use: `chosen` if it is confirmed, else `deepest`. None without a recommendation.
    why_not
        Why there is no recommendation.
    tuned, held_out
        Mean at the recommended depth on the tuning queries and on the held-out queries.
    checked
        Held-out test of `chosen` against `deepest`. It passes only if `chosen` is smaller and the test confirms that it
        loses no more than the margin. None without a choice; in results of evalkit 0.1 the test is against `best`.
    beyond
        Held-out mean at the deepest depth of the sweep minus the mean at `best`.
    against_first_stage
        Held-out mean at the recommended depth minus the mean of the first stage.
    deepest
        The deepest allowed depth; None if there is none, or in results of evalkit 0.1.
    chosen
        The smallest allowed depth that loses no more than the margin to `best` on the tuning queries, as do all
        allowed depths between the two; None without a choice, or in results of evalkit 0.1.
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
    deepest: int | None = None
    chosen: int | None = None

    @property
    def is_confirmed(self) -> bool:
        """Whether held-out queries confirm that the recommended depth loses no more than the margin."""
        return self.checked is not None and self.checked.status in {"PASS", "IDENTICAL"}


def choose_depth(
    values: NDArray[np.float64],
    first_stage: NDArray[np.float64],
    split: Split,
    costs: Costs,
    limits: Limits,
    margin: float,
    clusters: Clusters | None = None,
    judged: JudgedDepths | None = None,
) -> Choice:
    """Choose a depth on the tuning queries and check it on the held-out queries.

    The check compares the chosen depth with the deepest allowed one, which does not depend on the queries. Without
    confirmation the deepest allowed depth is recommended. No depth is recommended that is not significantly better
    than the first stage alone on the held-out queries. Each test is at the level of `ALPHA`, which each enlargement of
    a draw halves. The steps to smaller depths need no correction: they end at the first failing test (fixed-sequence
    procedure).

    Parameters
    ----------
    values
        ``(q, d)`` metric of every query at depths 1 to d, between 0 and 1.
    first_stage
        ``(q,)`` metric of the first stage's order.
    split
        Rows of the tuning and the held-out queries.
    costs, limits
        Latency and cost of each depth, and the limits on them.
    margin
        Largest acceptable loss.
    clusters
        ``(q,)`` cluster of each query; None if all are independent.
    judged
        Values of a judge, which those of people correct within each half. Numbers of queries are those of people, of
        the queries with a relevant document.
    """
    every = DepthValues.of(np.column_stack([first_stage, values]), clusters, judged)
    others = (None, None) if judged is None else (judged.others.tuning, judged.others.held_out)
    tuning, held_out = every.part(split.tuning, others[0]), every.part(split.held_out, others[1])
    means = tuning.means()
    allowed = _allowed(means, costs, limits)
    independent = tuning.independent + held_out.independent
    if min(tuning.independent, held_out.independent) < MIN_QUERIES:
        return Choice(len(allowed), None, None, _too_few(every, independent))
    if not len(allowed):
        return Choice(0, None, None, "no depth with known latency and cost is within the limits")
    best, deepest = int(allowed[np.argmax(means[allowed - 1])]), int(allowed[-1])
    chosen = _smallest(tuning, allowed, best, margin)
    found = Choice(
        allowed=len(allowed),
        best=best,
        recommended=None,
        why_not=None,
        checked=_check(held_out, (chosen, deepest), independent, margin),
        beyond=held_out.gain(values.shape[1], best),
        deepest=deepest,
        chosen=chosen,
    )
    return _recommend(found, tuning, held_out)


def _too_few(every: DepthValues, independent: int) -> str:
    """Return that there are too few queries to tune and to check."""
    what = "queries" if every.clusters is None else "independent queries"
    what += "" if every.judged is None else " judged by people"
    what = what if every.queries == len(every.values) else f"answerable {what}"
    needed = f"{2 * MIN_QUERIES} are required, {MIN_QUERIES} to tune and {MIN_QUERIES} held out"
    return f"too few {what} ({independent}): {needed}"


def _no_gain(depth: int, gain: Interval) -> str:
    is_worse = gain.upper is not None and gain.upper < 0
    verdict = "significantly worse" if is_worse else "not significantly better"
    return f"reranking {depth} candidate{'' if depth == 1 else 's'} is {verdict} than no reranking"


def _recommend(found: Choice, tuning: DepthValues, held_out: DepthValues) -> Choice:
    """Return the choice with its recommended depth, if that is significantly better than the first stage."""
    depth = (found.chosen if found.is_confirmed else found.deepest) or 0
    gain = held_out.gain(depth, 0)
    helps = gain.lower is not None and gain.lower > 0
    return replace(
        found,
        recommended=depth if helps else None,
        why_not=None if helps else _no_gain(depth, gain),
        tuned=tuning.mean(depth),
        held_out=held_out.mean(depth),
        against_first_stage=gain,
    )


def _check(held_out: DepthValues, depths: tuple[int, int], independent: int, margin: float) -> RuleFinding:
    """Return the test of the chosen depth against the deepest; it cannot pass with too few queries for a rare loss."""
    chosen, deepest = depths
    found = held_out.loss(chosen, deepest, margin, ALPHA)
    if chosen == deepest:
        return replace(
            found,
            status="CANNOT TELL",
            sentence="no smaller depth is within the margin on the tuning queries",
        )
    needed = queries_for_margin(margin, level(ALPHA, held_out.enlarged))
    if found.status in {"PASS", "IDENTICAL"} and independent < needed:
        why = (
            f"too few queries ({independent}) to exclude a rare loss: a margin of {margin:g} requires"
            f" {needed}"
        )
        return replace(found, status="CANNOT TELL", sentence=why)
    return found


def _allowed(means: NDArray[np.float64], costs: Costs, limits: Limits) -> NDArray[np.int64]:
    """Return the depths within the limits; an unknown latency or cost violates its limit."""
    keeps = np.ones(len(means), dtype=np.bool_)
    if limits.p95_s is not None:
        keeps &= costs.p95_upper_s <= limits.p95_s
    if limits.usd_per_thousand_queries is not None:
        # A sum of prices has rounding errors; a limit that equals the price allows it.
        keeps &= costs.usd_per_thousand_queries <= limits.usd_per_thousand_queries * (1 + ROUNDING)
    if limits.quality is not None:
        keeps &= means >= limits.quality
    return np.flatnonzero(keeps).astype(np.int64) + 1


def _smallest(tuning: DepthValues, allowed: NDArray[np.int64], best: int, margin: float) -> int:
    """Return the smallest depth reached from the best one while every step passes the non-inferiority test."""
    chosen = best
    for depth in allowed[allowed < best][::-1].tolist():
        if tuning.loss(depth, best, margin, ALPHA).status not in {"PASS", "IDENTICAL"}:
            break
        chosen = depth
    return chosen


def interpolated(measured: Mapping[int, float], deepest: int) -> NDArray[np.float64]:
    """Return ``(d,)`` values of depths 1 to d, linear between measured depths, NaN outside of them."""
    depths = np.arange(1, deepest + 1)
    if not measured:
        return np.full(deepest, np.nan)
    at = np.array(sorted(measured))
    values = np.interp(depths, at, np.array([measured[size] for size in at]))
    return np.where((depths >= at[0]) & (depths <= at[-1]), values, np.nan)
