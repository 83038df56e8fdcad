"""Judge service level objectives: PASS, FAIL or CANNOT TELL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.latency.round_effects import Blocks, quantile_bounds, share_bounds
from evalkit.stats import Interval, share_interval

Verdict = Literal["PASS", "FAIL", "CANNOT TELL", "NOT MEASURED"]
VerdictBasis = Literal["calls", "rounds", "order", "capacity", "harness"]
"""What decides a verdict: bounds of single calls, differences between rounds, the verdict of a smaller load, or a rate
near the capacity."""
NEAR_CAPACITY = 0.55
"""Share of the capacity above which an open loop needs `CALLS_NEAR_CAPACITY` calls to pass."""
CALLS_NEAR_CAPACITY = 500


@dataclass(frozen=True, slots=True)
class Limit:
    """A latency objective: at least the share ``quantile`` of all calls takes at most ``limit_s`` seconds."""

    limit_s: float
    quantile: float


@dataclass(frozen=True, slots=True)
class SloResult:
    """The result of judging a limit.

    Attributes
    ----------
    verdict
        PASS if the upper bound of the share of late calls is at most ``1 - quantile``, and the upper bound of the
        quantile by rounds at most the limit. FAIL if the lower bound of the share is above ``1 - quantile``.
    late
        Share of calls that were late or failed, with one-sided bounds, each at the requested confidence: the wider of
        the exact binomial bounds and Student's t over rounds. If queries repeat, the binomial bounds count queries
        instead of calls: the upper bound counts queries with at least one late call, the lower bound queries with
        late calls only.
    decided_by
        ``rounds`` if single calls alone give another verdict, ``order`` if a smaller load did not pass, ``capacity`` if
        the rate is too near the capacity for so few calls; None where nothing was measured.
    upper_by_rounds_s
        Upper bound of the quantile in seconds, by the differences between rounds; None with too few rounds.
    """

    verdict: Verdict
    late: Interval
    decided_by: VerdictBasis | None = None
    upper_by_rounds_s: float | None = None


def judge_limit(
    latency_s: NDArray[np.float64],
    ok: NDArray[np.bool_],
    query_ids: NDArray[np.object_],
    blocks: Blocks,
    limit: Limit,
    confidence: float,
) -> SloResult:
    """Judge a limit by the calls of one cell; failed calls count as late.

    Parameters
    ----------
    latency_s, ok, query_ids
        ``(n,)`` seconds, success and query of each call.
    blocks
        Round of each call; see `summarise_calls`.
    limit
        The limit.
    confidence
        One-sided confidence level of PASS and FAIL.
    """
    late = ~ok | (latency_s > limit.limit_s)
    by_calls = _late_calls(late, query_ids, confidence)
    if by_calls.lower is None or by_calls.upper is None:
        return SloResult("NOT MEASURED", by_calls)
    alone = _verdict(by_calls, limit)
    shares = share_bounds(late, blocks, 1 - confidence)
    if shares is None:
        unbounded = replace(by_calls, lower=None, upper=None)
        return SloResult("CANNOT TELL", unbounded, "calls" if alone == "CANNOT TELL" else "rounds")
    found = replace(by_calls, lower=min(by_calls.lower, shares[0]), upper=max(by_calls.upper, shares[1]))
    # Of a failed call only this is known: it did not end in time.
    slowest = float(max(limit.limit_s, latency_s[ok].max(initial=0.0)))
    bounds = quantile_bounds(np.where(ok, latency_s, slowest), blocks, limit.quantile, 1 - confidence)
    upper_s = None if bounds is None else bounds[1]
    verdict = _verdict(found, limit)
    if verdict == "PASS" and (upper_s is None or upper_s > limit.limit_s):
        verdict = "CANNOT TELL"
    return SloResult(verdict, found, "calls" if verdict == alone else "rounds", upper_s)


def _late_calls(late: NDArray[np.bool_], query_ids: NDArray[np.object_], confidence: float) -> Interval:
    """Return the share of late calls with exact binomial bounds over queries."""
    names, clusters = np.unique(query_ids.astype(str), return_inverse=True)
    calls = np.bincount(clusters, minlength=len(names))
    times_late = np.bincount(clusters, late.astype(np.float64), minlength=len(names))
    two_sided = 2 * confidence - 1
    upper = share_interval(int((times_late > 0).sum()), len(names), two_sided).upper
    lower = share_interval(int((times_late == calls).sum()), len(names), two_sided).lower
    share = float(late.mean()) if len(late) else None
    return Interval(share, lower, upper, len(names), confidence)


def _verdict(late: Interval, limit: Limit) -> Verdict:
    """Return the verdict by the bounds of the share of late calls."""
    allowed = 1 - limit.quantile
    # The tolerance is for rounding: an upper bound equal to the allowed share passes.
    if late.upper is not None and late.upper <= allowed + 1e-12:
        return "PASS"
    return "FAIL" if late.lower is not None and late.lower > allowed else "CANNOT TELL"


def without_pass_near_capacity(result: SloResult, calls: int, load: float | None) -> SloResult:
    """Return the result of an open loop, CANNOT TELL where it passes near capacity with too few calls.

    Queues near capacity last so long that 120 calls may meet none: of simulated loops at 75 % of the capacity, .11
    passed a limit just missed, with 500 calls .03.

    Parameters
    ----------
    result
        The result by its calls alone.
    calls
        Number of calls.
    load
        Arrivals per second by the highest throughput of the closed loops; None where it was not measured.
    """
    is_safe = calls >= CALLS_NEAR_CAPACITY or (load is not None and load <= NEAR_CAPACITY)
    if result.verdict != "PASS" or is_safe:
        return result
    return replace(result, verdict="CANNOT TELL", decided_by="capacity")


def passed_in_order(results: Sequence[SloResult]) -> list[SloResult]:
    """Return results of one limit with PASS only up to the first load that did not pass.

    Loads are tested in a fixed order, the smallest first. The probability that any load passes wrongly is then that of
    a single test (Maurer, Hothorn and Lehmacher 1995). FAIL is judged for each load alone.

    Parameters
    ----------
    results
        In ascending order of the load.
    """
    first = next((place for place, one in enumerate(results) if one.verdict != "PASS"), len(results))
    return [
        replace(one, verdict="CANNOT TELL", decided_by="order")
        if place > first and one.verdict == "PASS"
        else one
        for place, one in enumerate(results)
    ]
