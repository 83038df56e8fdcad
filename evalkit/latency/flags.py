"""Flags: warnings about the calls of a cell that affect how far its quantiles can be trusted.

Flags never drop a call. Every function returns the text of the flag, or None.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.latency.machine import RoundState
from evalkit.latency.throughput import Spans
from evalkit.latency.workloads import MOST_WARMUP, has_settled
from evalkit.stats.ranks import chance_of_correlation, rank_correlation

DRIFT = 0.05
"""Flag a larger relative difference between the medians of the first and the second half of a cell's calls."""
NOISY = 0.10
"""Flag a larger standard deviation of round medians, relative to their mean (pyperf uses the same threshold)."""
STOLEN = 0.02
"""Flag a larger share of processor time taken by the host."""
QUEUED = 0.05
"""A call counts as queued above this share of its latency spent waiting in this process. Flag a larger share of
queued calls."""
COLD = 2.0
"""Flag a first call that took at least this many times the median of the timed calls."""
GROWING = 1.25
"""Flag an overload if response times in the last third of an open loop are at least this many times the first's."""
_TREND_ALPHA = 0.001
"""Significance level of a trend; small, because there are many cells."""


def flag_cold(warmup_s: NDArray[np.float64], latency_s: NDArray[np.float64]) -> str | None:
    """Flag a first call far slower than the timed calls, given ``(w,)`` warm-up and ``(n,)`` timed latencies."""
    if not len(warmup_s) or not len(latency_s):
        return None
    ratio = float(warmup_s[0] / np.median(latency_s))
    return f"cold start: the first call took {ratio:.1f} times the median" if ratio >= COLD else None


def flag_unsettled(warmup_s: NDArray[np.float64]) -> str | None:
    """Flag a warm-up that ended before its ``(w,)`` latencies settled."""
    if len(warmup_s) < MOST_WARMUP or has_settled(warmup_s.tolist()):
        return None
    return f"latency not stable after {len(warmup_s)} warm-up calls"


def flag_drift(latency_s: NDArray[np.float64]) -> str | None:
    """Flag ``(n,)`` latencies, in the order of the calls, that rise or fall over time."""
    half = len(latency_s) // 2
    if half < 3 or not latency_s.min() > 0:
        return None
    change = float(np.median(latency_s[half:]) / np.median(latency_s[:half])) - 1
    if abs(change) <= DRIFT or not _is_trend(latency_s):
        return None
    return f"drift: median latency of the second half {change:+.0%}"


def flag_noise(latency_s: NDArray[np.float64], rounds: NDArray[np.int64]) -> str | None:
    """Flag ``(n,)`` latencies whose medians differ between rounds."""
    medians = np.array([np.median(latency_s[rounds == number]) for number in np.unique(rounds)])
    if len(medians) < 3:
        return None
    deviation = float(medians.std(ddof=1) / medians.mean())
    return f"noisy: standard deviation of round medians {deviation:.0%}" if deviation > NOISY else None


def flag_queueing(wait_s: NDArray[np.float64], latency_s: NDArray[np.float64]) -> str | None:
    """Flag calls that waited in this process before they were sent, given ``(n,)`` waits and latencies."""
    if not len(wait_s):
        return None
    waited = wait_s > QUEUED * latency_s
    if float(waited.mean()) <= QUEUED:
        return None
    return (
        f"queueing: {float(waited.mean()):.0%} of calls waited before sending (median"
        f" {float(np.median(wait_s[waited])) * 1000:.3g} ms)"
    )


def flag_overload(response_s: NDArray[np.float64]) -> str | None:
    """Flag ``(n,)`` response times of an open loop, in the order of arrival, that keep rising."""
    third = len(response_s) // 3
    if third < 5:
        return None
    growth = float(np.median(response_s[-third:]) / np.median(response_s[:third]))
    if growth < GROWING or not _is_trend(response_s):
        return None
    return f"overloaded: median response time of the last third is {growth:.1f} times that of the first third"


def flag_outliers(outliers: int) -> str | None:
    """Flag outliers, given their number."""
    return f"{outliers} outlier{'s' * (outliers > 1)}" if outliers else None


def flag_machine(states: Sequence[RoundState]) -> list[str]:
    """Return flags for a machine whose speed varied between rounds, or that lacked processor time."""
    flags = []
    seconds = np.array([state.reference_s for state in states])
    if len(seconds) > 2 and (spread := float(seconds.std(ddof=1) / seconds.mean())) > NOISY:
        flags.append(
            f"CPU speed varied between rounds (reference workload: {_ms(seconds.min())} to {_ms(seconds.max())},"
            f" standard deviation {spread:.0%})"
        )
    stolen = max((state.stolen for state in states if state.stolen is not None), default=0.0)
    if stolen > STOLEN:
        flags.append(f"up to {stolen:.0%} CPU steal in a round")
    throttled = sum(state.throttled_s or 0.0 for state in states)
    if throttled > 0:
        flags.append(f"CPU quota of the container exceeded: throttled for {throttled:.1f} s in total")
    return flags


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"


def _is_trend(values: NDArray[np.float64]) -> bool:
    if np.ptp(values) == 0:
        return False
    correlation = rank_correlation(np.arange(float(len(values))), values)
    return chance_of_correlation(correlation, len(values)) < _TREND_ALPHA


def wait_of(scheduled_s: NDArray[np.float64], calls: Spans) -> NDArray[np.float64]:
    """Return ``(n,)`` seconds from the scheduled time to the start of each call, at least 0."""
    return np.maximum(calls.start_s - scheduled_s, 0.0)
