"""One request on its way: its pairs may be scored in pieces, by whichever batches have room."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evalkit.records import RerankRequest, RerankResponse


@dataclass(slots=True, eq=False)
class Job:
    """A request that waits for scores.

    Attributes
    ----------
    client
        Whose it is.
    query, documents
        What is asked.
    divisible
        Whether some documents may be scored before the others.
    on_end
        Called once, from whichever thread ends it: all scores are in, or it failed.
    scores
        ``(n,)``; those that are not in yet are NaN.
    tokens
        Read so far; None where the backend counts none.
    error
        Why there will be no scores.
    arrived_s, began_s, ended_s
        When it came, when its first piece was taken and when it ended; seconds of `time.perf_counter`.
    """

    client: str
    query: str
    documents: tuple[str, ...]
    divisible: bool
    on_end: Callable[[], None]
    scores: NDArray[np.float64] = field(init=False)
    tokens: int | None = field(default=0, init=False)
    error: Exception | None = field(default=None, init=False)
    arrived_s: float = field(default_factory=time.perf_counter, init=False)
    began_s: float = field(default=0.0, init=False)
    ended_s: float = field(default=0.0, init=False)
    _missing: int = field(init=False)

    def __post_init__(self) -> None:
        self.scores = np.full(len(self.documents), np.nan)
        self._missing = len(self.documents)

    @property
    def size(self) -> int:
        """Its pairs."""
        return len(self.documents)

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come."""
        return bool(self.ended_s)

    def part(self, start: int, stop: int) -> RerankRequest:
        """Return some neighbouring documents as a request of their own."""
        documents = self.documents[start:stop]
        return RerankRequest("", self.query, documents, tuple(map(str, range(len(documents)))))

    def accept(self, start: int, response: RerankResponse) -> None:
        """Take the scores of a piece; the last one ends the job."""
        if self.ended:
            return
        self.scores[start : start + len(response.scores)] = response.scores
        counted = response.usage.tokens
        self.tokens = None if counted is None or self.tokens is None else self.tokens + counted
        self._missing -= len(response.scores)
        if not self._missing:
            self._end()

    def fail(self, error: Exception) -> None:
        """End without scores."""
        if not self.ended:
            self.error = error
            self._end()

    def _end(self) -> None:
        self.ended_s = time.perf_counter()
        self.on_end()


def began(jobs: Sequence[Job]) -> None:
    """Note that jobs are being worked on."""
    now = time.perf_counter()
    for job in jobs:
        job.began_s = job.began_s or now
