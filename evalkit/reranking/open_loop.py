"""An open loop: calls start at scheduled times, regardless of calls in flight."""

from __future__ import annotations

import queue
import threading
import time
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
    """A call to make at `due_s`; its thread then waits at `barrier`, if there is one, for the other threads."""

    item: Batch
    context: CallContext
    due_s: float
    barrier: threading.Barrier | None = None


class OpenLoop:
    """Makes calls at scheduled times, each in its own thread while it is in flight.

    An idle thread takes the next call of the schedule and sleeps until it is due. No other thread is involved in
    starting a call, so it can be late only by a wait for Python's global interpreter lock. There is always one
    thread more than there are calls in flight, up to `most`.

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
        self._tasks: queue.SimpleQueue[_Due | None] = queue.SimpleQueue()
        self._deliveries: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        for _thread in self._threads:
            self._tasks.put(None)
        if kind is None:
            for thread in self._threads:
                thread.join()

    def send_at_once(self, items: Sequence[Batch], context: CallContext) -> Iterator[Outcome]:
        """Send up to `most` batches at once, each from its own thread, so that every thread opens its connection."""
        items = items[: self._most]
        barrier = threading.Barrier(len(items)) if items else None
        with self._lock:
            while len(self._threads) < len(items):
                self._spawn()
        now = self._clock()
        for item in items:
            self._tasks.put(_Due(item, context, now, barrier))
        yield from self._collect(len(items))

    def send_scheduled(self, schedule: Sequence[Arrival], context: CallContext) -> Iterator[Outcome]:
        """Make every call when it is due, and yield outcomes in order of completion.

        Raises
        ------
        BudgetError
            If the next call could exceed the budget.
        """
        begin = self._clock() + _BEGIN_S
        with self._lock:
            if not self._threads:
                self._spawn()
        for arrival in schedule:
            self._tasks.put(_Due(arrival.item, context, begin + arrival.after_s))
        yield from self._collect(len(schedule))

    def _collect(self, calls: int) -> Iterator[Outcome]:
        for _ in range(calls):
            delivery = self._deliveries.get()
            yield from delivery.outcomes
            if delivery.error is not None:
                self._stop.set()
                raise delivery.error

    def _spawn(self) -> None:
        """Start one more thread. The caller must hold the lock."""
        thread = threading.Thread(
            target=self._work, name=f"evalkit-arrival-{len(self._threads)}", daemon=True
        )
        thread.start()
        self._threads.append(thread)
        self._idle += 1

    def _work(self) -> None:
        while (due := self._tasks.get()) is not None:
            try:
                with self._lock:
                    self._idle -= 1
                    if not self._idle and len(self._threads) < self._most:
                        self._spawn()
                delivery = self._make(due)
            except BaseException as error:  # noqa: BLE001 - raised again in the reading thread
                delivery = Delivery(error=error)
            self._deliveries.put(delivery)
            with self._lock:
                self._idle += 1

    def _make(self, due: _Due) -> Delivery:
        wait = due.due_s - self._clock()
        if wait > 0:
            self._sleep(wait)
        delivery = (
            Delivery()
            if self._stop.is_set()
            else collect(self._caller.deliver(due.item, due.context, due.due_s))
        )
        if due.barrier is not None:
            due.barrier.wait()
        return delivery
