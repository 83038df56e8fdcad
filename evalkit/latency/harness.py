"""Measure the load generator itself while it times calls, and judge whether its figures are those of the server.

A thread that waits for a reply resumes late when other threads hold the interpreter's lock, or when the machine has no
free processor. The wait is part of the measured latency, and looks like the server's. A thread that only sleeps
resumes as late, so its delay is measured during the calls. A scheduler prefers threads that sleep: where other programs
need all processors, the delay of calls is larger than the one measured.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from evalkit.reranking import Outcome
from evalkit.stats.intervals import share_bounds

_EVERY_S = 0.01
_LEAST_S = 0.1
"""Shortest block of calls whose processor time is judged: some systems count it in steps of 10 ms."""
MOST_DELAY = {0.5: 0.05, 0.95: 0.1}
"""Quantile -> largest delay of the load generator there, as a share of the latency."""
TIMER_S = 0.0002
"""Delay of a sleeping thread on an idle machine; shorter ones are no evidence."""
_DOUBT = 0.05
"""Error probability of the bound of a share of late calls."""
MOST_CPU = 0.9
"""Largest share of one processor that the load generator may use: Python runs one thread at a time."""


class HarnessMonitor:
    """Measures while it is entered how late threads of this process resume, and the processor time that it uses."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._at: list[float] = []
        self._delays: list[float] = []
        self._thread = threading.Thread(target=self._sleep, name="evalkit-monitor", daemon=True)
        self._cpu: float | None = None

    def __enter__(self) -> Self:
        self._start_s, self._start_cpu_s = time.perf_counter(), time.process_time()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        wall_s = time.perf_counter() - self._start_s
        self._cpu = (time.process_time() - self._start_cpu_s) / wall_s if wall_s >= _LEAST_S else None
        self._stop.set()
        self._thread.join()

    def _sleep(self) -> None:
        while not self._stop.is_set():
            start_s = time.perf_counter()
            time.sleep(_EVERY_S)
            now_s = time.perf_counter()
            self._at.append(now_s)
            self._delays.append(max(now_s - start_s - _EVERY_S, 0.0))

    def noted(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Return outcomes whose calls hold the share of a processor, and the delay measured nearest to their end."""
        if not self._at:
            return outcomes
        at, delays = np.array(self._at), np.array(self._delays)

        def delay_at(end_s: float) -> float:
            after = min(int(np.searchsorted(at, end_s)), len(at) - 1)
            before = max(after - 1, 0)
            return float(delays[after if abs(at[after] - end_s) <= abs(at[before] - end_s) else before])

        def with_state(outcome: Outcome) -> Outcome:
            attempts = tuple(
                replace(
                    one,
                    call=replace(one.call, harness_delay_s=delay_at(one.call.end_s), harness_cpu=self._cpu),
                )
                for one in outcome.attempts
            )
            return replace(outcome, attempts=attempts)

        return [with_state(outcome) for outcome in outcomes]


def harness_fault(
    delay_s: NDArray[np.float64], cpu: NDArray[np.float64], latency_s: NDArray[np.float64]
) -> str | None:
    """Return why the figures of a cell would be those of the load generator, not of the server; None if they are not.

    Two rules. Threads resume late: by more than 5 % of the median latency in more than half of the calls, or by more
    than 10 % of the 95th percentile in more than one call of twenty, each by the lower 95 % bound of that share. Or the
    load generator uses more than 90 % of one processor, so that it sends no faster. A delay within these shares, and a
    wait for a processor that other programs use, remain in the latencies.

    Parameters
    ----------
    delay_s, cpu
        ``(n,)`` delay at the end of each call, and share of a processor, as `HarnessMonitor` notes them; NaN where
        unknown.
    latency_s
        ``(n,)`` latency of the same calls, which all succeeded over a network.
    """
    known = ~np.isnan(delay_s)
    if not known.any():
        return None
    for p, share in MOST_DELAY.items():
        latency = float(np.quantile(latency_s[known], p))
        late = delay_s[known] - TIMER_S > share * latency
        # A few late calls are chance: the share of late ones must be above that of the quantile beyond doubt.
        if share_bounds(int(late.sum()), len(late), _DOUBT)[0] > 1 - p:
            delay = float(np.quantile(delay_s[known], p))
            return (
                f"the load generator was the bottleneck: its threads resumed {delay * 1000:.2g} ms late"
                f" (p{p * 100:.0f}), with a latency of {latency * 1000:.3g} ms"
            )
    used = cpu[~np.isnan(cpu)]
    if len(used) and float(np.median(used)) > MOST_CPU:
        return f"the load generator was the bottleneck: it used {np.median(used):.0%} of one processor"
    return None
