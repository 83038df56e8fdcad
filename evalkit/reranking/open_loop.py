"""An open loop: calls start at scheduled times, regardless of calls in flight."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from evalkit.reranking.batching import Batch
from evalkit.reranking.delivery import RetryingCaller
from evalkit.reranking.outcomes import CallContext, Clock, Outcome
from evalkit.reranking.rate_limits import ConcurrencyLimiter
from evalkit.reranking.sender import Delivery, collect
from evalkit.reranking.session import RerankerSession

MOST_IN_FLIGHT = 256
"""Maximum calls in flight. A due call beyond it waits in this process; its response time includes the wait."""
_BEGIN_S = 0.02
"""Seconds between queueing a schedule and its start."""
_AHEAD_S, _MOST_AHEAD = 0.02, 8
"""Calls that are due within these seconds wait in threads of their own, up to this number."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One call of a schedule.

    Attributes
    ----------
    item
        The batch to send.
    after_s
        Seconds from the start of the schedule to this call.
    """

    item: Batch
    after_s: float


@dataclass(frozen=True, slots=True)
class _Due:
    """A call to make at `due_s`; its thread then waits at `barrier`, if there is one, for the other threads.

    `scheduled` calls are followed: when one is due, a thread gets the next call of the schedule.
    """

    item: Batch
    context: CallContext
    due_s: float
    barrier: threading.Barrier | None = None
    scheduled: bool = False


_Box = queue.SimpleQueue[_Due | None]


class OpenLoop:
    """Makes calls at scheduled times, each in its own thread while it is in flight.

    A thread gets a call before it is due and sleeps until then. No other thread is involved in starting a call, so it
    can be late only by a wait for Python's global interpreter lock. Only the next few calls of the schedule have
    threads, and a call goes to the thread that became idle last: as in a pool of connections, few are open, and those
    that are used stay open.

    Parameters
    ----------
    session
        The reranker. A call that fails is not retried.
    most
        Maximum calls in flight.
    clock, sleep
        A monotonic clock in seconds, and a function that waits; by default the wait ends early if calls are stopped.
    """

    def __init__(
        self,
        session: RerankerSession,
        most: int = MOST_IN_FLIGHT,
        clock: Clock = time.perf_counter,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._most = most
        self._clock = clock
        self._stop = threading.Event()
        self._sleep = sleep or self._stop.wait
        limiter = ConcurrencyLimiter(most, adaptive=False)
        self._caller = RetryingCaller(session, limiter, self._stop, splits=False, retries=False, clock=clock)
        self._deliveries: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle: list[_Box] = []
        self._waiting: deque[_Due] = deque()
        self._schedule: Iterator[_Due] = iter(())
        self._threads: dict[threading.Thread, _Box] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        with self._lock:
            threads = dict(self._threads)
        for box in threads.values():
            box.put(None)
        if kind is None:
            for thread in threads:
                thread.join()

    def send_at_once(self, items: Sequence[Batch], context: CallContext) -> Iterator[Outcome]:
        """Send up to `most` batches at once, each from its own thread, so that every thread opens its connection."""
        items = items[: self._most]
        barrier = threading.Barrier(len(items)) if items else None
        now = self._clock()
        for item in items:
            self._give(_Due(item, context, now, barrier))
        yield from self._collect(len(items))

    def send_scheduled(
        self, schedule: Sequence[Arrival], context: CallContext, begin_s: float | None = None
    ) -> Iterator[Outcome]:
        """Make every call when it is due, and yield outcomes in order of completion.

        Parameters
        ----------
        schedule, context
            The calls, and the fields that they share.
        begin_s
            When the schedule starts, in seconds of the clock; by default at once.

        Raises
        ------
        BudgetError
            If the next call could exceed the budget.
        """
        begin = self._clock() + _BEGIN_S if begin_s is None else begin_s
        self._schedule = (
            _Due(arrival.item, context, begin + arrival.after_s, scheduled=True) for arrival in schedule
        )
        last_s = schedule[-1].after_s if schedule else 0.0
        for _ in range(calls_ahead(len(schedule) / last_s if last_s else math.inf)):
            self._give_next()
        yield from self._collect(len(schedule))

    def _collect(self, calls: int) -> Iterator[Outcome]:
        for _ in range(calls):
            delivery = self._deliveries.get()
            yield from delivery.outcomes
            if delivery.error is not None:
                self._stop.set()
                raise delivery.error

    def _give_next(self) -> None:
        """Give the next call of the schedule to a thread."""
        with self._lock:
            due = next(self._schedule, None)
        if due is not None:
            self._give(due)

    def _give(self, due: _Due) -> None:
        """Give a call to the thread that became idle last, else to a new one; it waits if there may be no more."""
        with self._lock:
            if self._idle:
                box = self._idle.pop()
            elif len(self._threads) < self._most:
                box = self._spawn()
            else:
                self._waiting.append(due)
                return
        box.put(due)

    def _spawn(self) -> _Box:
        """Start one more thread and return where it gets calls. The caller must hold the lock."""
        box: _Box = queue.SimpleQueue()
        name = f"evalkit-arrival-{len(self._threads)}"
        thread = threading.Thread(target=self._work, args=(box,), name=name, daemon=True)
        thread.start()
        self._threads[thread] = box
        return box

    def _work(self, box: _Box) -> None:
        while (due := box.get()) is not None:
            current: _Due | None = due
            while current is not None:
                try:
                    delivery = self._make(current)
                except BaseException as error:  # noqa: BLE001 - raised again in the reading thread
                    delivery = Delivery(error=error)
                self._deliveries.put(delivery)
                with self._lock:
                    current = self._waiting.popleft() if self._waiting else None
                    if current is None:
                        self._idle.append(box)

    def _make(self, due: _Due) -> Delivery:
        wait = due.due_s - self._clock()
        if wait > 0:
            self._sleep(wait)
        if due.scheduled and not self._stop.is_set():
            self._give_next()
        delivery = (
            Delivery()
            if self._stop.is_set()
            else collect(self._caller.deliver(due.item, due.context, due.due_s))
        )
        if due.barrier is not None:
            due.barrier.wait()
        return delivery


def calls_ahead(rate_per_s: float) -> int:
    """Return how many calls of a schedule wait in threads until they are due, 1 to 8: those of the next 20 ms."""
    return math.ceil(min(max(rate_per_s * _AHEAD_S, 1.0), float(_MOST_AHEAD)))
