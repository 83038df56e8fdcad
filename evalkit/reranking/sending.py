"""Requests out, outcomes back: one call timed and checked, many calls in threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Self

import numpy as np

from evalkit.errors import CallError
from evalkit.records import Call, RerankRequest, RerankResponse
from evalkit.records.calls import Pass
from evalkit.rerankers import Reranker
from evalkit.reranking.batching import Batch

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class CallContext:
    """What every call of a series has in common."""

    dataset: str
    reranker: str
    pass_: Pass
    concurrency: int = 1
    round: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one batch: either a response or a failure, and always the call's record."""

    batch: Batch
    call: Call
    response: RerankResponse | None
    failure: CallError | None


def request_scores(
    reranker: Reranker, item: Batch, context: CallContext, clock: Clock = time.perf_counter
) -> Outcome:
    """Make one call, time it, and check that what came back is one finite score per document."""
    scheduled = start = clock()
    response: RerankResponse | None = None
    failure: CallError | None = None
    try:
        response = reranker.score(item.request)
    except CallError as error:
        failure = error
    end = clock()
    if response is not None:
        failure = find_fault(response, item.request)
        response = None if failure else response
    call = Call(
        dataset=context.dataset,
        reranker=context.reranker,
        query_id=item.request.query_id,
        pass_=context.pass_,
        batch_size=len(item.request.documents),
        filled=item.filled,
        concurrency=context.concurrency,
        round=context.round,
        attempt=1,
        scheduled_s=scheduled,
        start_s=start,
        end_s=end,
        status="failed" if failure else "ok",
        error=f"{failure.kind}: {failure.message}" if failure else None,
        http_status=failure.http_status if failure else response.http_status if response else None,
        tokens=response.tokens if response else None,
        server_s=response.server_s if response else None,
        model=response.model if response else None,
        conn_reused=response.conn_reused if response else None,
    )
    return Outcome(item, call, response, failure)


def find_fault(response: RerankResponse, request: RerankRequest) -> CallError | None:
    """Return the failure that a response is, unless it holds one finite score per document."""
    if response.scores.shape != (len(request.documents),):
        return CallError(
            "reply",
            f"query {request.query_id!r}: {len(request.documents)} documents were sent"
            f" and {response.scores.size} scores came back",
        )
    bad = np.flatnonzero(~np.isfinite(response.scores))
    if len(bad):
        return CallError(
            "reply", f"query {request.query_id!r}: document {bad[0]} has the score {response.scores[bad[0]]}"
        )
    return None


class Sender:
    """Keeps `concurrency` calls in flight, in threads, and yields outcomes as they complete.

    Parameters
    ----------
    reranker
        Called from `concurrency` threads.
    concurrency
        Calls in flight.
    clock
        Seconds of a monotonic clock.
    """

    def __init__(self, reranker: Reranker, concurrency: int, clock: Clock = time.perf_counter) -> None:
        self._reranker = reranker
        self._concurrency = concurrency
        self._clock = clock
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="evalkit-call")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def send(self, items: Iterable[Batch], context: CallContext) -> Iterator[Outcome]:
        """Yield the outcome of every batch, in order of completion; batches are made as needed."""
        waiting: set[Future[Outcome]] = set()
        for item in items:
            waiting.add(self._pool.submit(request_scores, self._reranker, item, context, self._clock))
            if len(waiting) >= self._concurrency:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
