"""Who is scored next: the work of many clients in one bounded queue, each client in turn."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

TURN = 8
"""Pairs a client gets before the next one's turn: few enough that a short request passes a long one."""


class Waiting(Protocol):
    """A request that waits.

    Attributes
    ----------
    client
        Whose it is.
    size
        Its pairs.
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
    """Neighbouring pairs of one request: from `start` up to, not including, `stop`."""

    job: Job
    start: int
    stop: int


class FullError(Exception):
    """There is no room for a request."""


class FairQueue(Generic[Job]):
    """Requests of many clients; a turn of work takes some pairs of each client that waits.

    Safe to use from several threads.

    Parameters
    ----------
    most_pairs
        Pairs that may wait. A request larger than that is taken where nothing else waits.
    clock
        Seconds that only grow.
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
        """Pairs that wait."""
        return self._pairs

    def has_room(self) -> bool:
        """Return whether a request of one pair would be taken."""
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
        """Forget what still waits of a request; nothing happens where nothing does."""
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
        """Return the next pieces of work, of `pairs` pairs together; wait for the first.

        An indivisible request is never cut, though it hold more.

        Parameters
        ----------
        pairs
            How many; the queue may hold fewer.
        linger_s
            How long to wait for so many after the first request came.

        Returns
        -------
        At least one piece; none once the queue is closed and empty.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._pairs or self._closed)
            while self._pairs < pairs and not self._closed:
                left_s = self._first_at + linger_s - self._clock()
                if left_s <= 0 or not self._changed.wait(left_s):
                    break
            return self._pick(pairs)

    def close(self) -> None:
        """Take no further request; what waits is still given out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _pick(self, room: int) -> list[Piece[Job]]:
        spans: dict[Job, tuple[int, int]] = {}
        passed_over = 0
        while room > 0 and passed_over < len(self._clients):
            client, waiting = next(iter(self._clients.items()))
            self._clients[client] = self._clients.pop(client)  # the next turn is another's
            job = waiting[0]
            start = self._taken[job]
            n = min(TURN, room, job.size - start) if job.divisible else job.size
            if n > room and spans:
                passed_over += 1  # does not fit any more: first in the next batch
                continue
            passed_over = 0
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
