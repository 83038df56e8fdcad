"""Score requests of many clients together, in threads so that the event loop is not blocked."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence

from evalkit.config import ServiceSettings
from evalkit.errors import CallError
from evalkit.records import RerankRequest, RerankResponse
from evalkit.rerankers import Pooled, Reranker
from evalkit.reranking import find_fault
from evalkit.server.fair_queue import FairQueue, FullError, Piece
from evalkit.server.jobs import Job, mark_started

logger = logging.getLogger("evalkit.server")

_BATCHES_PER_POOL = 32
"""Batches of the service per pool of the quality pass. A batch is about what the model computes at once and no more,
because a request waits for the batch before it, and for all of its own."""
_SMOOTHING = 0.9
"""Weight of the previous estimate of a model's speed when a batch updates it."""


class Batcher:
    """The queue of one reranker and the threads that work on it.

    A `Pooled` reranker receives batches from one thread, because it parallelises by itself. Any other reranker receives
    one request per call, from several threads.

    Parameters
    ----------
    reranker
        Computes the scores.
    settings
        Limits of the queue and of batches.
    on_batch
        Called with the pairs and seconds of every batch.
    """

    def __init__(
        self, reranker: Reranker, settings: ServiceSettings, on_batch: Callable[[int, float], None]
    ) -> None:
        self._reranker = reranker
        self._on_batch = on_batch
        self._linger_s = settings.linger_s
        self._longest_queue_s = settings.longest_queue_s
        self.queue: FairQueue[Job] = FairQueue(settings.max_waiting_pairs)
        self._pairs_per_s = math.inf
        merges = settings.merging and isinstance(reranker, Pooled)
        self.divisible = merges and reranker.pointwise
        self._batch_pairs = 1
        if merges and isinstance(reranker, Pooled):
            self._batch_pairs = settings.batch_pairs or max(reranker.pool_pairs // _BATCHES_PER_POOL, 1)
        threads = 1 if isinstance(reranker, Pooled) else settings.concurrency
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def wait_s(self) -> float:
        """Return the estimated seconds until all waiting pairs are scored; 0 until the speed is known."""
        return self.queue.pairs / (self._pairs_per_s * len(self._threads))

    def has_room(self) -> bool:
        """Return whether one more pair may wait."""
        return self.queue.has_room() and self.wait_s() < self._longest_queue_s

    def put(self, job: Job) -> None:
        """Add a request to the queue.

        Raises
        ------
        FullError
            If the queue or its estimated duration is at the limit, or the queue is closed.
        """
        if not self.has_room():
            raise FullError
        self.queue.put(job)

    def close(self) -> None:
        """Accept no more requests; return once the waiting ones are scored."""
        self.queue.close()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while pieces := self.queue.take(self._batch_pairs, self._linger_s if self.divisible else 0.0):
            start = time.perf_counter()
            mark_started([piece.job for piece in pieces])
            self._score(pieces)
            seconds = time.perf_counter() - start
            pairs = sum(piece.stop - piece.start for piece in pieces)
            self._on_batch(pairs, seconds)
            self._learn(pairs, pairs / max(seconds, 1e-6))

    def _learn(self, pairs: int, rate: float) -> None:
        """Update the speed estimate; a batch that is not half full only gives a lower bound."""
        known = self._pairs_per_s
        if 2 * pairs >= self._batch_pairs:
            self._pairs_per_s = rate if math.isinf(known) else _SMOOTHING * known + (1 - _SMOOTHING) * rate
        elif not math.isinf(known):
            self._pairs_per_s = max(known, rate)

    def _score(self, pieces: Sequence[Piece[Job]]) -> None:
        requests = [piece.job.part(piece.start, piece.stop) for piece in pieces]
        try:
            for piece, request, response in zip(pieces, requests, self._call(requests), strict=True):
                if fault := find_fault(response, request):
                    piece.job.fail(fault)
                else:
                    piece.job.accept(piece.start, response)
        except CallError as error:
            if len(pieces) == 1:
                pieces[0].job.fail(error)
                return
            for piece in pieces:  # separately: the failure of one request must not fail the others
                self._score([piece])
        except Exception as error:  # any exception of a backend fails its requests, not the service
            logger.exception("request failed")
            for piece in pieces:
                piece.job.fail(error)

    def _call(self, requests: Sequence[RerankRequest]) -> Sequence[RerankResponse]:
        if len(requests) > 1 and isinstance(self._reranker, Pooled):
            return self._reranker.score_many(requests)
        return [self._reranker.score(request) for request in requests]
