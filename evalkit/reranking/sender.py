"""Send batches from several threads; an interrupt stops them within a second."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

from evalkit.reranking.batching import Batch
from evalkit.reranking.delivery import RetryingCaller
from evalkit.reranking.outcomes import CallContext, Clock, Outcome
from evalkit.reranking.rate_limits import ConcurrencyLimiter
from evalkit.reranking.retries import StoppedError
from evalkit.reranking.session import RerankerSession

GRACE_S = 0.3
"""Seconds that an interrupted pass waits for calls in flight."""


@dataclass(slots=True)
class Delivery:
    """The outcomes of one batch, and the error that ended its delivery early."""

    outcomes: list[Outcome] = field(default_factory=list)
    error: BaseException | None = None


class Sender:
    """Keeps `concurrency` calls in flight, in threads, and yields outcomes as they complete.

    The queue holds as many batches as are in flight, so that a free thread starts the next one at once.

    The threads are daemon threads instead of a thread pool: a pool waits for its threads at exit, so a
    call that hangs would block the end of the program.

    Parameters
    ----------
    session
        The reranker.
    concurrency
        Number of calls in flight.
    timed
        Whether the calls are timed: then the concurrency is fixed and no batch is split.
    clock
        A monotonic clock in seconds.
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
        first = 1 if session.traffic.billed and not timed else None
        self.limiter = ConcurrencyLimiter(concurrency, adaptive=not timed, first=first)
        self._caller = RetryingCaller(session, self.limiter, self._stop, splits=not timed, clock=clock)
        self._tasks: queue.SimpleQueue[tuple[Batch, CallContext] | None] = queue.SimpleQueue()
        self._deliveries: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self._pending = 0
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
            self._tasks.put(None)
        if kind is None:
            for thread in self._threads:
                thread.join()

    def send(self, items: Iterable[Batch], context: CallContext) -> Iterator[Outcome]:
        """Yield the outcome of every batch, in order of completion; batches are made as needed.

        Raises
        ------
        BudgetError
            If the next call could exceed the budget; `late` returns the outcomes of calls in flight.
        """
        yield from self.send_each((item, context) for item in items)

    def send_each(
        self, tasks: Iterable[tuple[Batch, CallContext]], spread_s: float = 0.0
    ) -> Iterator[Outcome]:
        """Yield the outcome of every batch, like `send`, with a context per batch.

        Parameters
        ----------
        tasks
            Batches with their contexts.
        spread_s
            Seconds over which the first `concurrency` calls are spread. If they started at once, they would
            queue here and at the server, and later calls would still come in bursts.
        """
        for number, task in enumerate(tasks):
            if 0 < number < self._concurrency and spread_s:
                self._stop.wait(spread_s / self._concurrency)
            self._tasks.put(task)
            self._pending += 1
            if self._pending >= 2 * self._concurrency:
                yield from self._next()
        while self._pending:
            yield from self._next()

    @property
    def has_waiting(self) -> bool:
        """Whether an outcome can be read without waiting for a call."""
        return not self._deliveries.empty()

    def late(self) -> Iterator[Outcome]:
        """Stop, and yield the outcomes of calls in flight that end within `GRACE_S`, so that no paid call is lost."""
        self._stop.set()
        deadline = time.monotonic() + GRACE_S
        while self._pending and (left := deadline - time.monotonic()) > 0:
            try:
                delivery = self._deliveries.get(timeout=left)
            except queue.Empty:
                return
            self._pending -= 1
            yield from delivery.outcomes

    def _next(self) -> Iterator[Outcome]:
        delivery = self._deliveries.get()
        self._pending -= 1
        yield from delivery.outcomes
        if delivery.error is not None:
            raise delivery.error

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._deliveries.put(Delivery() if self._stop.is_set() else collect(self._caller.deliver(*task)))


def collect(outcomes: Iterator[Outcome]) -> Delivery:
    """Return the outcomes of one batch, with the error that ended them, to be raised in the reading thread."""
    delivery = Delivery()
    try:
        for outcome in outcomes:
            delivery.outcomes.append(outcome)
    except StoppedError:
        pass
    except BaseException as error:  # noqa: BLE001 - raised again in the reading thread
        delivery.error = error
    return delivery
