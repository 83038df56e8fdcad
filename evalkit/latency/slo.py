"""Whether a limit is kept by as many calls as promised: PASS, FAIL or CANNOT TELL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import Interval, share_interval

Kept = Literal["PASS", "FAIL", "CANNOT TELL", "NOT MEASURED"]


@dataclass(frozen=True, slots=True)
class Limit:
    """At least a share ``quantile`` of all calls takes at most ``limit_s`` seconds."""

    limit_s: float
    quantile: float


@dataclass(frozen=True, slots=True)
class SloResult:
    """What was found of a limit.

    Attributes
    ----------
    verdict
        PASS where the share of late calls is at most ``1 - quantile`` beyond doubt, FAIL where it is more.
    late
        Share of calls that were late or failed, with its exact binomial bounds, each at the confidence asked
        for. Where queries repeat, they are counted and not their calls: the upper bound then takes every query
        for late that was late once, the lower one only those that were late always.
    """

    verdict: Kept
    late: Interval


def judge_limit(
    latency_s: NDArray[np.float64],
    ok: NDArray[np.bool_],
    query_ids: NDArray[np.object_],
    limit: Limit,
    confidence: float,
) -> SloResult:
    """Judge a limit by the calls of one cell; a call that failed was not in time.

    Parameters
    ----------
    latency_s, ok, query_ids
        ``(n,)`` seconds, success and query of each call.
    limit
        What is to be kept.
    confidence
        One-sided: how sure a PASS or a FAIL is.
    """
    late = ~ok | (latency_s > limit.limit_s)
    names, clusters = np.unique(query_ids.astype(str), return_inverse=True)
    calls = np.bincount(clusters, minlength=len(names))
    times_late = np.bincount(clusters, late.astype(np.float64), minlength=len(names))
    both = 2 * confidence - 1
    upper = share_interval(int((times_late > 0).sum()), len(names), both).upper
    lower = share_interval(int((times_late == calls).sum()), len(names), both).lower
    if upper is None or lower is None:
        return SloResult("NOT MEASURED", Interval(None, None, None, 0, confidence))
    allowed = 1 - limit.quantile
    # A bound that equals what is allowed up to rounding is not beyond it.
    verdict: Kept = "PASS" if upper <= allowed + 1e-12 else "FAIL" if lower > allowed else "CANNOT TELL"
    return SloResult(verdict, Interval(float(late.mean()), lower, upper, len(names), confidence))
