"""A bounded queue of the requests of many clients, served round-robin by client."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

TURN = 8
"""Pairs that a client gets per turn: few enough that a short request overtakes a long one."""


class Waiting(Protocol):
    """A request in the queue.

    Attributes
    ----------
    client
        Name of the client.
    size
        Number of pairs.
    divisible
        Whether some of its pairs may be scored before the others.
    """

    client: str
    divisible: bool

    @property
    def size(self) -> int: ...  # noqa: D102 - described above


Job = TypeVar("Job", bound=Waiting)


@dataclass(frozen=True, slots=True, eq=False)
class Piece(Generic[Job]):
    """Consecutive pairs of one request, from `start` up to but not including `stop`."""

    job: Job
    start: int
    stop: int


class FullError(Exception):
    """Raised if the queue has no room for a request."""


class FairQueue(Generic[Job]):
    """Requests of many clients; a batch takes some pairs of each waiting client in turn. Thread-safe.

    Parameters
    ----------
    most_pairs
        Maximum number of waiting pairs. A larger request is accepted if nothing else waits.
    clock
        Returns monotonic seconds.
    """

    def __init__(self, most_pairs: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most_pairs
        self._clock = clock
        self._clients: dict[str, deque[Job]] = {}
        self._taken: dict[Job, int] = {}
        self._pairs = 0
        self._first_at = 0.0
        self._closed = False
        self._changed = threading.Condition()

    @property
    def pairs(self) -> int:
        """Number of waiting pairs."""
        return self._pairs

    def has_room(self) -> bool:
        """Return whether a request of one pair would be accepted."""
        return self._pairs < self._most

    def put(self, job: Job) -> None:
        """Add a request.

        Raises
        ------
        FullError
            If there is no room, or the queue is closed.
        """
        with self._changed:
            if self._closed or (self._pairs and self._pairs + job.size > self._most):
                raise FullError
            if not self._pairs:
                self._first_at = self._clock()
            self._clients.setdefault(job.client, deque()).append(job)
            self._taken[job] = 0
            self._pairs += job.size
            self._changed.notify_all()

    def drop(self, job: Job) -> None:
        """Remove the waiting pairs of a request, if any."""
        with self._changed:
            taken = self._taken.pop(job, None)
            if taken is None:
                return
            self._pairs -= job.size - taken
            waiting = self._clients[job.client]
            waiting.remove(job)
            if not waiting:
                del self._clients[job.client]

    def take(self, pairs: int, linger_s: float = 0.0) -> list[Piece[Job]]:
        """Return the next pieces of work, together up to `pairs` pairs; block until there is one.

        An indivisible request is never split, even if larger.

        Parameters
        ----------
        pairs
            Size of the batch; it is smaller if fewer pairs wait.
        linger_s
            Maximum seconds to wait for a full batch after the first request arrived.

        Returns
        -------
        At least one piece; none if the queue is closed and empty.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._pairs or self._closed)
            while self._pairs < pairs and not self._closed:
                left_s = self._first_at + linger_s - self._clock()
                if left_s <= 0 or not self._changed.wait(left_s):
                    break
            return self._next_pieces(pairs)

    def close(self) -> None:
        """Accept no further request; `take` still returns those that wait."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def drain(self) -> list[Job]:
        """Remove and return all waiting requests."""
        with self._changed:
            jobs = list(self._taken)
            self._clients.clear()
            self._taken.clear()
            self._pairs = 0
            return jobs

    def _next_pieces(self, room: int) -> list[Piece[Job]]:
        spans: dict[Job, tuple[int, int]] = {}
        skipped = 0
        while room > 0 and skipped < len(self._clients):
            client, waiting = next(iter(self._clients.items()))
            self._clients[client] = self._clients.pop(client)  # to the end: the next turn is another client's
            job = waiting[0]
            start = self._taken[job]
            n = min(TURN, room, job.size - start) if job.divisible else job.size
            if n > room and spans:
                skipped += 1  # too large for the rest of this batch: it waits for the next
                continue
            skipped = 0
            spans[job] = (spans.get(job, (start, start))[0], start + n)
            room -= n
            self._advance(client, waiting, job, start + n)
        self._pairs -= sum(stop - start for start, stop in spans.values())
        return [Piece(job, start, stop) for job, (start, stop) in spans.items()]

    def _advance(self, client: str, waiting: deque[Job], job: Job, taken: int) -> None:
        self._taken[job] = taken
        if taken == job.size:
            del self._taken[job]
            waiting.popleft()
            if not waiting:
                del self._clients[client]
