"""Calls that arrive when they arrive, whether or not earlier ones are back: an open loop."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from evalkit.reranking.batching import Batch
from evalkit.reranking.outcomes import CallContext, Clock, Outcome
from evalkit.reranking.rate_limits import ConcurrencyLimiter
from evalkit.reranking.retries import RetryingCaller
from evalkit.reranking.sender import Delivery, collect
from evalkit.reranking.session import RerankerSession

MOST_IN_FLIGHT = 256
"""Calls in flight beyond which a due call waits here; its wait is in its response time all the same."""
_BEGIN_S = 0.02
"""Between laying out a schedule and its first arrival."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One call of a schedule.

    Attributes
    ----------
    after_s
        Seconds after the schedule begins.
    """

    item: Batch
    after_s: float


@dataclass(frozen=True, slots=True)
class _Due:
    item: Batch
    context: CallContext
    due_s: float
    together: threading.Barrier | None = None


class OpenLoop:
    """Makes calls at set times, each in a thread of its own for as long as it is out.

    A thread takes the next call of the schedule and sleeps until it is due: nobody hands it over, so nothing
    but a wait for the interpreter stands between the schedule and the call. There is always one thread more
    than there are calls out, up to `most`.

    Parameters
    ----------
    session
        Whose batches are sent. A call that fails is not sent again.
    most
        Calls in flight, at most.
    clock, sleep
        Seconds of a monotonic clock, and how to wait; the wait ends early where the calls are stopped.
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
        self._todo: queue.SimpleQueue[_Due | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        for _thread in self._threads:
            self._todo.put(None)
        if kind is None:
            for thread in self._threads:
                thread.join()

    def meet(self, items: Sequence[Batch], context: CallContext) -> Iterator[Outcome]:
        """Send some batches at once, each from a thread of its own, which opens a connection by that."""
        items = items[: self._most]
        together = threading.Barrier(len(items)) if items else None
        with self._lock:
            while len(self._threads) < len(items):
                self._spawn()
        now = self._clock()
        for item in items:
            self._todo.put(_Due(item, context, now, together))
        yield from self._collect(len(items))

    def follow(self, schedule: Sequence[Arrival], context: CallContext) -> Iterator[Outcome]:
        """Make every call when it is due, and yield outcomes in order of completion.

        Raises
        ------
        BudgetError
            If the next call could cross the budget.
        """
        begin = self._clock() + _BEGIN_S
        with self._lock:
            if not self._threads:
                self._spawn()
        for arrival in schedule:
            self._todo.put(_Due(arrival.item, context, begin + arrival.after_s))
        yield from self._collect(len(schedule))

    def _collect(self, calls: int) -> Iterator[Outcome]:
        for _ in range(calls):
            done = self._done.get()
            yield from done.outcomes
            if done.fault is not None:
                self._stop.set()
                raise done.fault

    def _spawn(self) -> None:
        """Start one more thread; the lock is held."""
        thread = threading.Thread(
            target=self._work, name=f"evalkit-arrival-{len(self._threads)}", daemon=True
        )
        self._threads.append(thread)
        self._idle += 1
        thread.start()

    def _work(self) -> None:
        while (due := self._todo.get()) is not None:
            with self._lock:
                self._idle -= 1
                if not self._idle and len(self._threads) < self._most:
                    self._spawn()
            self._done.put(self._make(due))
            with self._lock:
                self._idle += 1

    def _make(self, due: _Due) -> Delivery:
        wait = due.due_s - self._clock()
        if wait > 0:
            self._sleep(wait)
        done = (
            Delivery()
            if self._stop.is_set()
            else collect(self._caller.deliver(due.item, due.context, due.due_s))
        )
        if due.together is not None:
            due.together.wait()
        return done
