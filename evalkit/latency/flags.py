"""What a reader must know of a sample before believing its quantiles. Flags never drop a call."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.latency.machine import RoundState
from evalkit.latency.throughput import Spans
from evalkit.latency.workloads import MOST_WARMUP, has_settled

DRIFT = 0.05
"""Difference of the two halves of a cell's calls from which it is told."""
NOISY = 0.10
"""Deviation of round medians, relative to their mean, from which it is told (pyperf draws the same line)."""
STOLEN = 0.02
QUEUED = 0.05
"""Share of a call's latency spent waiting in this process, and share of calls that do, worth telling."""
COLD = 2.0
"""First call by the median of the timed ones, from which it is told."""
GROWING = 1.25
"""Last third of an open loop's response times by the first, from which the load is taken for too much."""
_SURE = 0.001
"""Chance of calling a steady sequence a trend; there are many cells."""


def flag_cold(warmup_s: NDArray[np.float64], latency_s: NDArray[np.float64]) -> str | None:
    """Tell of a first call that was slower by far than the timed ones: ``(w,)`` warm-up calls, ``(n,)`` timed."""
    if not len(warmup_s) or not len(latency_s):
        return None
    ratio = float(warmup_s[0] / np.median(latency_s))
    return f"cold start: the first call took {ratio:.1f} times the median" if ratio >= COLD else None


def flag_unsettled(warmup_s: NDArray[np.float64]) -> str | None:
    """Tell of a warm-up that ended without settling."""
    if len(warmup_s) < MOST_WARMUP or has_settled(warmup_s.tolist()):
        return None
    return f"not settled after {len(warmup_s)} warm-up calls"


def flag_drift(latency_s: NDArray[np.float64]) -> str | None:
    """Tell of ``(n,)`` latencies, in the order of their calls, that grew or shrank on the way."""
    half = len(latency_s) // 2
    if half < 3 or not latency_s.min() > 0:
        return None
    change = float(np.median(latency_s[half:]) / np.median(latency_s[:half])) - 1
    if abs(change) <= DRIFT or not _is_trend(latency_s):
        return None
    return f"drift: the second half took {change:+.0%}"


def flag_noise(latency_s: NDArray[np.float64], rounds: NDArray[np.int64]) -> str | None:
    """Tell of ``(n,)`` latencies whose rounds differ much."""
    medians = np.array([np.median(latency_s[rounds == number]) for number in np.unique(rounds)])
    if len(medians) < 3:
        return None
    deviation = float(medians.std(ddof=1) / medians.mean())
    return f"noisy: round medians vary by {deviation:.0%}" if deviation > NOISY else None


def flag_queueing(wait_s: NDArray[np.float64], latency_s: NDArray[np.float64]) -> str | None:
    """Tell of calls that waited in this process before they were sent: ``(n,)`` waits and latencies."""
    if not len(wait_s):
        return None
    waited = wait_s > QUEUED * latency_s
    if float(waited.mean()) <= QUEUED:
        return None
    return (
        f"queueing: {float(waited.mean()):.0%} of calls waited before they were sent,"
        f" {float(np.median(wait_s[waited])) * 1000:.3g} ms in the median"
    )


def flag_overload(response_s: NDArray[np.float64]) -> str | None:
    """Tell of ``(n,)`` response times of an open loop, in the order of arrival, that keep growing."""
    third = len(response_s) // 3
    if third < 5:
        return None
    growth = float(np.median(response_s[-third:]) / np.median(response_s[:third]))
    if growth < GROWING or not _is_trend(response_s):
        return None
    return f"overloaded: response times grow, by the last third to {growth:.1f} times those of the first"


def flag_outliers(outliers: int) -> str | None:
    """Tell of calls far beyond the rest."""
    return f"{outliers} outlier{'s' * (outliers > 1)}" if outliers else None


def flag_machine(states: Sequence[RoundState]) -> list[str]:
    """Tell of a machine that was not the same in all rounds."""
    said = []
    seconds = np.array([state.reference_s for state in states])
    if len(seconds) > 2 and (spread := float(seconds.std(ddof=1) / seconds.mean())) > NOISY:
        said.append(f"the machine was not the same in all rounds: a fixed piece of work took between"
                    f" {_ms(seconds.min())} and {_ms(seconds.max())} (deviation {spread:.0%} over rounds), so something"
                    " else ran; time again when it is idle")  # fmt: skip
    stolen = max((state.stolen for state in states if state.stolen is not None), default=0.0)
    if stolen > STOLEN:
        said.append(f"the host took up to {stolen:.0%} of the processors' time in a round")
    throttled = sum(state.throttled_s or 0.0 for state in states)
    if throttled > 0:
        said.append(f"the container was held back by its quota for {throttled:.1f} s in all")
    return said


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"


def _is_trend(values: NDArray[np.float64]) -> bool:
    from scipy.stats import spearmanr

    if np.ptp(values) == 0:
        return False
    return bool(spearmanr(np.arange(len(values)), values).pvalue < _SURE)


def wait_of(scheduled_s: NDArray[np.float64], calls: Spans) -> NDArray[np.float64]:
    """Return ``(n,)`` seconds between being due and being sent."""
    return np.maximum(calls.start_s - scheduled_s, 0.0)
