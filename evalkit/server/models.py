"""The rerankers behind one service, chosen by the model that a request names."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.config import ServiceSettings
from evalkit.dialects import ANY_MODEL, WireError, WireRequest
from evalkit.errors import CallError
from evalkit.records import ScoreKind
from evalkit.rerankers import Reranker
from evalkit.server.fair_queue import FullError
from evalkit.server.jobs import Job
from evalkit.server.merging import Batcher

_SHORTEST_WAIT_S = 1.0
"""What a refused client is asked to wait at least."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The scores of one request.

    Attributes
    ----------
    scores
        ``(n,)`` as the reranker gives them.
    kind
        What they mean.
    tokens
        What they took: the model's own tokens, words where the backend counts none.
    queue_s, model_s
        Seconds that the request waited, and that its pairs were worked on.
    """

    scores: NDArray[np.float64]
    kind: ScoreKind
    tokens: int
    queue_s: float
    model_s: float


class Served:
    """One reranker with its queue.

    Parameters
    ----------
    name
        The model it is asked for as.
    reranker
        Called from threads of its own.
    settings
        How long requests wait.
    on_batch
        Told the pairs and seconds of every batch.
    """

    def __init__(
        self,
        name: str,
        reranker: Reranker,
        settings: ServiceSettings,
        on_batch: Callable[[int, float], None] = lambda _pairs, _seconds: None,
    ) -> None:
        self.name = name
        self._reranker = reranker
        self._timeout_s = settings.answer_timeout_s
        self._batcher = Batcher(reranker, settings, on_batch)

    @property
    def waiting_pairs(self) -> int:
        """Pairs that wait."""
        return self._batcher.queue.pairs

    def has_room(self) -> bool:
        """Return whether one more pair may wait."""
        return self._batcher.has_room()

    async def answer(
        self, client: str, asked: WireRequest, gone: Callable[[], Awaitable[None]]
    ) -> Answer | None:
        """Return the scores of a request.

        Parameters
        ----------
        client
            Whose turn it takes.
        asked
            The request.
        gone
            Returns once the client is.

        Returns
        -------
        None where the client is gone: what of its request still waits is dropped.

        Raises
        ------
        WireError
            429, if the queue is full; 500 or 503, if the backend fails or takes too long.
        """
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def tell() -> None:
            """Wake the waiting request, from whichever thread ended it."""
            loop.call_soon_threadsafe(ended.set)

        job = Job(client, asked.query, asked.documents, self._batcher.divides, tell)
        try:
            self._batcher.put(job)
        except FullError:
            raise self.full() from None
        waits = [asyncio.ensure_future(ended.wait()), asyncio.ensure_future(gone())]
        try:
            await asyncio.wait(waits, timeout=self._timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            self._batcher.queue.drop(job)
        if job.ended:
            return self._read(job, asked)
        if waits[1].done():
            return None
        raise WireError(
            503, "timeout", f"no answer within {self._timeout_s:g} s", retry_after_s=self._wait_s()
        )

    def close(self) -> None:
        """Score what waits, then end; blocks."""
        self._batcher.close()
        self._reranker.close()

    def _read(self, job: Job, asked: WireRequest) -> Answer:
        error = job.error
        if isinstance(error, CallError):
            if error.remedy.transient:
                raise WireError(
                    503, "unavailable", error.message, retry_after_s=error.remedy.wait_s or _SHORTEST_WAIT_S
                )
            raise WireError(500, "server_error", error.message)
        if error is not None:
            raise WireError(500, "server_error", "the server failed; its log says why")
        return Answer(
            job.scores,
            self._reranker.score_kind,
            _count_words(asked) if job.tokens is None else job.tokens,
            job.began_s - job.arrived_s,
            job.ended_s - job.began_s,
        )

    def _wait_s(self) -> float:
        return max(self._batcher.wait_s(), _SHORTEST_WAIT_S)

    def full(self) -> WireError:
        """Return the refusal of a request for which there is no room."""
        return WireError(
            429, "overloaded", "too many requests are waiting: try again later", retry_after_s=self._wait_s()
        )


class Models:
    """All that is served, by name.

    Parameters
    ----------
    served
        At least one.
    any_name
        Whether the only one answers to every name, and calls itself by it.
    """

    def __init__(self, served: Mapping[str, Served], *, any_name: bool) -> None:
        self._served = dict(served)
        self._any_name = any_name and len(served) == 1
        self.created = int(time.time())

    @property
    def names(self) -> tuple[str, ...]:
        """The models, in the order they were given."""
        return tuple(self._served)

    def choose(self, asked: str) -> tuple[Served, str]:
        """Return what answers to a name, and the name that its reply carries.

        Raises
        ------
        WireError
            400, if nothing does.
        """
        if asked in self._served:
            return self._served[asked], asked
        if len(self._served) == 1 and (self._any_name or asked == ANY_MODEL):
            ((name, served),) = self._served.items()
            return served, name if asked == ANY_MODEL else asked
        known = ", ".join(map(repr, self._served))
        raise WireError(
            400, "invalid_model", f"model {asked!r} is not served here; there is {known}", "model"
        )

    def refuse_if_full(self) -> None:
        """Refuse whoever comes now, if there is room nowhere: before a body is read.

        Raises
        ------
        WireError
            429 with the seconds to wait.
        """
        full = [served.full() for served in self._served.values() if not served.has_room()]
        if len(full) == len(self._served):
            raise full[0]

    def close(self) -> None:
        """Score what waits, then end; blocks."""
        for served in self._served.values():
            served.close()


def _count_words(asked: WireRequest) -> int:
    """Return the number of words: the usage of a backend that counts no tokens itself."""
    return sum(len(text.split()) for text in (asked.query, *asked.documents))
