"""The rerankers of a service, selected by the model name in a request."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.config import ServiceSettings
from evalkit.dialects import ANY_MODEL, WireError, WireRequest
from evalkit.errors import RETRYABLE, CallError
from evalkit.records import ScoreKind
from evalkit.rerankers import Reranker
from evalkit.server.fair_queue import FullError
from evalkit.server.jobs import Job
from evalkit.server.merging import Batcher
from evalkit.server.unit_scores import ScoreScale

_SHORTEST_WAIT_S = 1.0
"""Lower bound of ``Retry-After``."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The scores of one request.

    Attributes
    ----------
    scores
        ``(n,)`` on the reranker's own scale.
    kind
        What the scores mean.
    tokens
        Tokens processed; words if the backend does not count tokens.
    queue_s, model_s
        Seconds in the queue, and seconds from the start of scoring to its end.
    """

    scores: NDArray[np.float64]
    kind: ScoreKind
    tokens: int
    queue_s: float
    model_s: float


class ServedModel:
    """One reranker with its queue.

    Parameters
    ----------
    name
        The model name in requests.
    reranker
        Called from threads of the batcher.
    settings
        Limits of queue, batches and waiting.
    on_batch
        Called with the pairs and seconds of every batch.
    """

    def __init__(
        self,
        name: str,
        reranker: Reranker,
        settings: ServiceSettings,
        on_batch: Callable[[int, float], None] = lambda _pairs, _seconds: None,
    ) -> None:
        self.name = name
        self.scale = ScoreScale.of(name, reranker)
        self._reranker = reranker
        self._timeout_s = settings.answer_timeout_s
        self._batcher = Batcher(reranker, settings, on_batch)

    @property
    def waiting_pairs(self) -> int:
        """Number of waiting pairs."""
        return self._batcher.queue.pairs

    def has_room(self) -> bool:
        """Return whether the queue accepts another pair."""
        return self._batcher.has_room()

    def is_working(self) -> bool:
        """Return whether the model answers: False if its threads have ended or are stuck."""
        return self._batcher.is_working()

    async def answer(
        self, client: str, request: WireRequest, disconnected: Callable[[], Awaitable[None]]
    ) -> Answer | None:
        """Return the scores of a request.

        Parameters
        ----------
        client
            Name of the client, for fair queueing.
        request
            The request.
        disconnected
            Returns once the client has disconnected.

        Returns
        -------
        None if the client has disconnected; its waiting pairs are dropped.

        Raises
        ------
        WireError
            429, if the queue is full; 500 or 503, if the backend fails; 500, if a score is outside the range of its
            kind; 503, if it takes too long or is stuck.
        """
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def wake() -> None:
            """Wake the coroutine below; called from a thread of the batcher."""
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
                loop.call_soon_threadsafe(ended.set)

        job = Job.of(request, client, divisible=self._batcher.divisible, on_end=wake)
        if not self.is_working():
            raise self._stuck()
        try:
            self._batcher.put(job)
        except FullError:
            raise self.overloaded() from None
        waits = [asyncio.ensure_future(ended.wait()), asyncio.ensure_future(disconnected())]
        try:
            await asyncio.wait(waits, timeout=self._timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            self._batcher.queue.drop(job)
        if job.ended:
            return self._read(job, request)
        if waits[1].done():
            return None
        raise WireError(
            503,
            "timeout",
            f"the model did not answer within {self._timeout_s:g} s",
            retry_after_s=self._wait_s(),
        )

    def give_up(self) -> None:
        """End all requests with status 503."""
        self._batcher.give_up(CallError("backend", "the service is shutting down", remedy=RETRYABLE))

    def close(self) -> bool:
        """Score the waiting requests, then close the reranker; blocks. Return False if a call does not end."""
        has_ended = self._batcher.close()
        if has_ended:
            self._reranker.close()
        return has_ended

    def _read(self, job: Job, request: WireRequest) -> Answer:
        error = job.error
        if isinstance(error, CallError):
            if error.remedy.transient:
                raise WireError(
                    503, "unavailable", error.message, retry_after_s=error.remedy.wait_s or _SHORTEST_WAIT_S
                )
            raise WireError(500, "server_error", error.message)
        if error is not None:
            raise WireError(500, "server_error", "internal server error; see the server log")
        self.scale.check(job.scores)
        return Answer(
            job.scores,
            self.scale.kind,
            _count_words(request) if job.tokens is None else job.tokens,
            job.started_s - job.arrived_s,
            job.ended_s - job.started_s,
        )

    def _stuck(self) -> WireError:
        return WireError(
            503, "unavailable", "the model does not answer; retry later", retry_after_s=_SHORTEST_WAIT_S
        )

    def _wait_s(self) -> float:
        return max(self._batcher.wait_s(), _SHORTEST_WAIT_S)

    def overloaded(self) -> WireError:
        """Return the error of a request for which the queue has no room."""
        return WireError(429, "overloaded", "the queue is full; retry later", retry_after_s=self._wait_s())


class Models:
    """The served models, by name.

    Parameters
    ----------
    served
        At least one.
    any_name
        Whether a single model is served under every name, which its replies then repeat.
    """

    def __init__(self, served: Mapping[str, ServedModel], *, any_name: bool) -> None:
        self._served = dict(served)
        self._any_name = any_name and len(served) == 1
        self.created = int(time.time())

    @property
    def names(self) -> tuple[str, ...]:
        """Model names, in the given order."""
        return tuple(self._served)

    def scale_of(self, name: str) -> ScoreScale:
        """Return what the scores of a model mean."""
        return self._served[name].scale

    def choose(self, asked: str, default: str | None = None) -> tuple[ServedModel, str]:
        """Return the model for a requested name, and the name to put into the reply.

        Parameters
        ----------
        asked
            The name in the request; `ANY_MODEL` if it has none.
        default
            The name of the API's default model, which its clients send by default; None if it has none.

        Raises
        ------
        WireError
            400, if no model has that name, or if there are several and the request names none.
        """
        if asked == ANY_MODEL not in self._served and default in self._served:
            asked = default
        if asked in self._served:
            return self._served[asked], asked
        unnamed = asked in {ANY_MODEL, default}
        if len(self._served) == 1 and (self._any_name or unnamed):
            ((name, served),) = self._served.items()
            return served, asked if self._any_name and asked != ANY_MODEL else name
        known = ", ".join(map(repr, self._served))
        what = "the request names no model" if unnamed else f"unknown model {asked[:100]!r}"
        raise WireError(400, "invalid_model", f"{what}; available models: {known}", "model")

    def refuse_if_full(self) -> None:
        """Raise if no model's queue has room; called before a body is read.

        Raises
        ------
        WireError
            429 with the seconds to wait.
        """
        errors = [served.overloaded() for served in self._served.values() if not served.has_room()]
        if len(errors) == len(self._served):
            raise errors[0]

    def are_working(self) -> bool:
        """Return whether every model answers."""
        return all(served.is_working() for served in self._served.values())

    def give_up(self) -> None:
        """End all requests with status 503."""
        for served in self._served.values():
            served.give_up()

    def close(self) -> bool:
        """Score the waiting requests, then close all models; blocks. Return False if a call does not end."""
        ended = [served.close() for served in self._served.values()]
        return all(ended)


def _count_words(request: WireRequest) -> int:
    """Return the number of words: the usage reported for a backend that does not count tokens."""
    queries = dict.fromkeys(request.queries or (request.query,))
    return sum(len(text.split()) for text in (*queries, request.instruction, *request.documents))
