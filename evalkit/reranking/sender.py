"""Batches out, outcomes back: many calls in threads, stopped within a second."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

from evalkit.reranking.batching import Batch
from evalkit.reranking.outcomes import CallContext, Clock, Outcome
from evalkit.reranking.rate_limits import ConcurrencyLimiter
from evalkit.reranking.retries import RetryingCaller, StoppedError
from evalkit.reranking.session import RerankerSession

GRACE_S = 0.3
"""How long an interrupted pass waits for the calls that are in flight."""


@dataclass(slots=True)
class Delivery:
    """What came of one batch: outcomes, and the fault that cut it short."""

    outcomes: list[Outcome] = field(default_factory=list)
    fault: BaseException | None = None


class Sender:
    """Keeps `concurrency` calls in flight, in threads, and yields outcomes as they complete.

    As many batches wait as are in flight: a thread that is done begins the next without being told.

    The threads are daemons of our own and not a pool's: a call that hangs must not hold up the end
    of the program, and a pool waits for its threads.

    Parameters
    ----------
    session
        Whose batches are sent.
    concurrency
        Calls in flight.
    timed
        Whether the calls are timed: then their number stays as it is and no batch is split.
    clock
        Seconds of a monotonic clock.
    """

    def __init__(
        self,
        session: RerankerSession,
        concurrency: int,
        *,
        timed: bool = False,
        clock: Clock = time.perf_counter,
    ) -> None:
        self._concurrency = concurrency
        self._stop = threading.Event()
        self.limiter = ConcurrencyLimiter(concurrency, adaptive=not timed)
        self._caller = RetryingCaller(session, self.limiter, self._stop, splits=not timed, clock=clock)
        self._todo: queue.SimpleQueue[tuple[Batch, CallContext] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self._handed_out = 0
        self._threads = [
            threading.Thread(target=self._work, name=f"evalkit-call-{number}", daemon=True)
            for number in range(concurrency)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        for _thread in self._threads:
            self._todo.put(None)
        if kind is None:
            for thread in self._threads:
                thread.join()

    def send(self, items: Iterable[Batch], context: CallContext) -> Iterator[Outcome]:
        """Yield the outcome of every batch, in order of completion; batches are made as needed.

        Raises
        ------
        BudgetError
            If the next call could cross the budget; calls in flight come back from `late`.
        """
        yield from self.send_each((item, context) for item in items)

    def send_each(
        self, tasks: Iterable[tuple[Batch, CallContext]], spread_s: float = 0.0
    ) -> Iterator[Outcome]:
        """Do the same for batches with contexts of their own.

        Parameters
        ----------
        tasks
            What is sent, and what its call has in common with others.
        spread_s
            Time over which the first calls are spread. Sent at once they would queue for each other, here and
            there, and a few rounds later still come in bursts.
        """
        for number, task in enumerate(tasks):
            if 0 < number < self._concurrency and spread_s:
                self._stop.wait(spread_s / self._concurrency)
            self._todo.put(task)
            self._handed_out += 1
            if self._handed_out >= 2 * self._concurrency:
                yield from self._next()
        while self._handed_out:
            yield from self._next()

    def late(self) -> Iterator[Outcome]:
        """Stop, and yield what was in flight and still came back: nothing that was paid for is lost."""
        self._stop.set()
        deadline = time.monotonic() + GRACE_S
        while self._handed_out and (left := deadline - time.monotonic()) > 0:
            try:
                done = self._done.get(timeout=left)
            except queue.Empty:
                return
            self._handed_out -= 1
            yield from done.outcomes

    def _next(self) -> Iterator[Outcome]:
        done = self._done.get()
        self._handed_out -= 1
        yield from done.outcomes
        if done.fault is not None:
            raise done.fault

    def _work(self) -> None:
        while (task := self._todo.get()) is not None:
            self._done.put(Delivery() if self._stop.is_set() else collect(self._caller.deliver(*task)))


def collect(delivery: Iterator[Outcome]) -> Delivery:
    """Deliver one batch; a fault is raised where the outcomes are read."""
    done = Delivery()
    try:
        for outcome in delivery:
            done.outcomes.append(outcome)
    except StoppedError:
        pass
    except BaseException as error:  # noqa: BLE001 - as said above
        done.fault = error
    return done
