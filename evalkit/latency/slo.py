"""Judge service level objectives: PASS, FAIL or CANNOT TELL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.stats import Interval, share_interval

Verdict = Literal["PASS", "FAIL", "CANNOT TELL", "NOT MEASURED"]


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
        PASS if the upper bound of the share of late calls is at most ``1 - quantile``, FAIL if the lower bound
        is above it.
    late
        Share of calls that were late or failed, with exact binomial bounds, each at the requested confidence. If
        queries repeat, the bounds count queries instead of calls: the upper bound counts queries with at least
        one late call, the lower bound queries with late calls only.
    """

    verdict: Verdict
    late: Interval


def judge_limit(
    latency_s: NDArray[np.float64],
    ok: NDArray[np.bool_],
    query_ids: NDArray[np.object_],
    limit: Limit,
    confidence: float,
) -> SloResult:
    """Judge a limit by the calls of one cell; failed calls count as late.

    Parameters
    ----------
    latency_s, ok, query_ids
        ``(n,)`` seconds, success and query of each call.
    limit
        The limit.
    confidence
        One-sided confidence level of PASS and FAIL.
    """
    late = ~ok | (latency_s > limit.limit_s)
    names, clusters = np.unique(query_ids.astype(str), return_inverse=True)
    calls = np.bincount(clusters, minlength=len(names))
    times_late = np.bincount(clusters, late.astype(np.float64), minlength=len(names))
    two_sided = 2 * confidence - 1
    upper = share_interval(int((times_late > 0).sum()), len(names), two_sided).upper
    lower = share_interval(int((times_late == calls).sum()), len(names), two_sided).lower
    if upper is None or lower is None:
        return SloResult("NOT MEASURED", Interval(None, None, None, 0, confidence))
    allowed = 1 - limit.quantile
    # The tolerance is for rounding: an upper bound equal to the allowed share passes.
    verdict: Verdict = "PASS" if upper <= allowed + 1e-12 else "FAIL" if lower > allowed else "CANNOT TELL"
    return SloResult(verdict, Interval(float(late.mean()), lower, upper, len(names), confidence))
