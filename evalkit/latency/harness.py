"""Measure the load generator itself while it times calls, and judge whether its figures are those of the server.

A thread that waits for a reply resumes late when other threads hold the interpreter's lock, or when the machine has no
free processor. Where the operating system notes when the reply arrived, the wait is no part of the latency. Elsewhere
it is, and looks like the server's. A thread that only sleeps resumes as late, so its delay is measured during the
calls. A scheduler prefers threads that sleep: where other programs need all processors, the delay of calls is larger
than the one measured.

In any case a thread that resumes late sends its next call late, so that fewer calls are in flight than the load names.
"""

from __future__ import annotations

import gc
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from evalkit.records import Call
    from evalkit.reranking import Outcome
from evalkit.stats.intervals import share_bounds

_EVERY_S = 0.01
_LEAST_S = 0.1
"""Shortest block of calls whose processor time is judged: some systems count it in steps of 10 ms."""
MOST_DELAY = {0.5: 0.05, 0.95: 0.1, 0.99: 0.1}
"""Quantile -> largest delay of the load generator there, as a share of the latency."""
LEAST_FOR_P99 = 100
"""Calls below which nothing is said of the 99th percentile: one late call would be more than one in a hundred."""
LEAST_IN_FLIGHT = 0.9
"""Smallest share of their time that calls of several in flight are with the server."""
TIMER_S = 0.0002
"""Delay of a sleeping thread on an idle machine; shorter ones are no evidence."""
_SHORTEST_S = 1e-9
_DOUBT = 0.05
"""Error probability of the bound of a share of late calls."""
MOST_LOAD = 0.6
"""Largest share of one processor at which calls are sent from one interpreter: above it, threads wait for its lock.

Measured on two processors: up to 0.65, a second process brings at most one more call of 32 into flight; at 0.75 it
brings most of those that are missing, and at a server that answers at once it sends twice as many.
"""
MOST_CPU = 0.9
"""Largest share of one processor that the load generator may use: Python runs one thread at a time."""


class HarnessMonitor:
    """Measures while it is entered how late threads of this process resume, and the processor time that it uses.

    Attributes
    ----------
    used_s
        Processor time that this process used, in seconds; 0 before the end.
    """

    def __init__(self) -> None:
        self._running = threading.Lock()  # held; an event would wake its waiter later than a sleep does
        self._at: list[float] = []
        self._delays: list[float] = []
        self._thread = threading.Thread(target=self._sleep, name="evalkit-monitor", daemon=True)
        self._cpu: float | None = None
        self.used_s = 0.0

    def __enter__(self) -> Self:
        self._start_s, self._start_cpu_s = time.perf_counter(), time.process_time()
        self._running.acquire()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        wall_s = time.perf_counter() - self._start_s
        self.used_s = time.process_time() - self._start_cpu_s
        self._cpu = self.used_s / wall_s if wall_s >= _LEAST_S else None
        self._running.release()
        self._thread.join()

    def _sleep(self) -> None:
        """Note delays until the end, which cuts the last sleep short, but not the first: every block has a delay."""
        start_s = time.perf_counter()
        time.sleep(_EVERY_S)
        while True:
            now_s = time.perf_counter()
            self._at.append(now_s)
            self._delays.append(max(now_s - start_s - _EVERY_S, 0.0))
            start_s = time.perf_counter()
            if self._running.acquire(timeout=_EVERY_S):
                return

    def noted(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Return outcomes whose calls hold the share of a processor, and the delay measured nearest to their end.

        What a call holds already remains: a delay of 0 where its reply's arrival was noted, and what another process
        that sent it measured.
        """
        if not self._at:
            return outcomes
        at, delays = np.array(self._at), np.array(self._delays)

        def delay_at(end_s: float) -> float:
            after = min(int(np.searchsorted(at, end_s)), len(at) - 1)
            before = max(after - 1, 0)
            return float(delays[after if abs(at[after] - end_s) <= abs(at[before] - end_s) else before])

        def with_state(outcome: Outcome) -> Outcome:
            return replace(
                outcome, attempts=tuple(replace(one, call=noted(one.call)) for one in outcome.attempts)
            )

        def noted(call: Call) -> Call:
            delay_s, cpu = call.harness_delay_s, call.harness_cpu
            return replace(
                call,
                harness_delay_s=delay_at(call.end_s) if delay_s is None else delay_s,
                harness_cpu=self._cpu if cpu is None else cpu,
            )

        return [with_state(outcome) for outcome in outcomes]


@contextmanager
def gc_paused() -> Iterator[None]:
    """Disable garbage collection while calls are timed: a collection stops every thread."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def interpreters_needed(load: float) -> int:
    """Return how many interpreters send calls without waiting for each other.

    Parameters
    ----------
    load
        Processor time of the load generator in one second, in seconds: of one call, times calls per second.
    """
    return 1 if load <= MOST_LOAD else math.ceil(load / MOST_LOAD)


def harness_fault(
    delay_s: NDArray[np.float64],
    cpu: NDArray[np.float64],
    latency_s: NDArray[np.float64],
    slot_s: NDArray[np.float64],
    rounds: NDArray[np.int64],
    concurrency: int | None,
) -> str | None:
    """Return why the figures of a cell would be those of the load generator, not of the server; None if they are not.

    Three rules. Threads resume late, where that is part of the latency: by more than 5 % of the median latency in more
    than half of the calls, or by more than 10 % of the 95th percentile in more than one call of twenty, or of the 99th
    in more than one of a hundred, each by the lower 95 % bound of that share. Or fewer calls are in flight than the
    load names: in the median round of a closed loop, calls are with the server in less than 90 % of their time. Or the
    load generator uses more than 90 % of one processor, so that it sends no faster. A delay within these shares, and a
    wait for a processor that other programs use, remain in the figures; so does the time from the end of a call to the
    beginning of the next one.

    Parameters
    ----------
    delay_s, cpu
        ``(n,)`` delay that is part of the latency of each call, and share of a processor, as `HarnessMonitor` notes
        them; NaN where unknown.
    latency_s
        ``(n,)`` latency of the same calls, which all succeeded over a network.
    slot_s
        ``(n,)`` seconds from the beginning to the end of each call: encoding, latency and decoding.
    rounds
        ``(n,)`` round of each call: what stops this process once must not decide about all of them.
    concurrency
        Calls in flight; None if they arrive at a rate.
    """
    known = ~np.isnan(delay_s)
    if not known.any():
        return None
    return (
        _delay_fault(delay_s[known], latency_s[known])
        or (_shortfall(latency_s, slot_s, rounds, concurrency) if concurrency is not None else None)
        or _processor_fault(cpu[~np.isnan(cpu)])
    )


def _delay_fault(delay_s: NDArray[np.float64], latency_s: NDArray[np.float64]) -> str | None:
    for p, share in MOST_DELAY.items():
        if p == max(MOST_DELAY) and len(delay_s) < LEAST_FOR_P99:
            continue
        latency = float(np.quantile(latency_s, p))
        late = delay_s - TIMER_S > share * latency
        # A few late calls are chance: the share of late ones must be above that of the quantile beyond doubt.
        if share_bounds(int(late.sum()), len(late), _DOUBT)[0] > 1 - p:
            delay = float(np.quantile(delay_s, p))
            return (
                f"the load generator was the bottleneck: its threads resumed {delay * 1000:.2g} ms late"
                f" (p{p * 100:.0f}), with a latency of {latency * 1000:.3g} ms"
            )
    return None


def _shortfall(
    latency_s: NDArray[np.float64],
    slot_s: NDArray[np.float64],
    rounds: NDArray[np.int64],
    concurrency: int,
) -> str | None:
    """Return that fewer calls were in flight than the load names; one call in flight has nothing to wait for."""
    if concurrency == 1:
        return None
    _, places, calls = np.unique(rounds, return_inverse=True, return_counts=True)
    between_s = np.bincount(places, slot_s - latency_s)
    share = 1 - float(np.median(between_s / np.maximum(np.bincount(places, slot_s), _SHORTEST_S)))
    if share >= LEAST_IN_FLIGHT:
        return None
    return (
        f"only {share * concurrency:.1f} of {concurrency} calls were in flight, because the load generator needed"
        f" {np.median(between_s / calls) * 1000:.2g} ms between them"
    )


def _processor_fault(cpu: NDArray[np.float64]) -> str | None:
    if len(cpu) and float(np.median(cpu)) > MOST_CPU:
        return f"the load generator was the bottleneck: it used {np.median(cpu):.0%} of one processor"
    return None
