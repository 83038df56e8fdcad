"""A request in the queue: its pairs may be scored in several pieces, each in another batch."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evalkit.dialects import WireRequest
from evalkit.records import RerankRequest, RerankResponse


@dataclass(slots=True, eq=False)
class Job:
    """A request that waits for scores.

    Attributes
    ----------
    client
        Name of the client.
    query, documents
        The texts of the request.
    divisible
        Whether some documents may be scored before the others.
    queries
        The query of each document, if a request has several; else None.
    instruction
        The instruction of the query, or of all queries; empty for none.
    on_end
        Called once when all scores have arrived or the job has failed, from the thread that did this.
    scores
        ``(n,)``; NaN until they arrive.
    tokens
        Tokens processed so far; None if the backend does not count them.
    error
        Why the job failed; None if it did not.
    arrived_s, started_s, ended_s
        When it arrived, when its first piece was taken, and when it ended; seconds of `time.perf_counter`.
    """

    client: str
    query: str
    documents: tuple[str, ...]
    divisible: bool
    on_end: Callable[[], None]
    queries: tuple[str, ...] | None = None
    instruction: str = ""
    scores: NDArray[np.float64] = field(init=False)
    tokens: int | None = field(default=0, init=False)
    error: BaseException | None = field(default=None, init=False)
    arrived_s: float = field(default_factory=time.perf_counter, init=False)
    started_s: float = field(default=0.0, init=False)
    ended_s: float = field(default=0.0, init=False)
    _missing: int = field(init=False)

    @classmethod
    def of(cls, request: WireRequest, client: str, *, divisible: bool, on_end: Callable[[], None]) -> Job:
        """Return the job of a request."""
        texts = request.query, request.documents
        return cls(client, *texts, divisible, on_end, request.queries, request.instruction)

    def __post_init__(self) -> None:
        self.scores = np.full(len(self.documents), np.nan)
        self._missing = len(self.documents)

    @property
    def size(self) -> int:
        """Number of pairs."""
        return len(self.documents)

    @property
    def ended(self) -> bool:
        """Whether the job has all its scores or has failed."""
        return bool(self.ended_s)

    def parts(self, start: int, stop: int) -> list[tuple[int, RerankRequest]]:
        """Return consecutive documents as requests of their own, each with the position of its first document.

        There is one request, or one for each run of documents with the same query.
        """
        if self.queries is None:
            return [(start, self._request(self.query, start, stop))]
        queries, found = self.queries, []
        for query, run in itertools.groupby(range(start, stop), key=lambda index: queries[index]):
            indices = list(run)
            found.append((indices[0], self._request(query, indices[0], indices[-1] + 1)))
        return found

    def _request(self, query: str, start: int, stop: int) -> RerankRequest:
        documents = self.documents[start:stop]
        ids = tuple(map(str, range(len(documents))))
        return RerankRequest("", query, documents, ids, instruction=self.instruction)

    def accept(self, start: int, response: RerankResponse) -> None:
        """Store the scores of a piece; the last piece ends the job."""
        if self.ended:
            return
        self.scores[start : start + len(response.scores)] = response.scores
        counted = response.usage.tokens
        self.tokens = None if counted is None or self.tokens is None else self.tokens + counted
        self._missing -= len(response.scores)
        if not self._missing:
            self._end()

    def fail(self, error: BaseException) -> None:
        """End the job without scores."""
        if not self.ended:
            self.error = error
            self._end()

    def _end(self) -> None:
        self.ended_s = time.perf_counter()
        self.on_end()


def mark_started(jobs: Sequence[Job]) -> None:
    """Set the start time of jobs that have none."""
    now = time.perf_counter()
    for job in jobs:
        job.started_s = job.started_s or now
