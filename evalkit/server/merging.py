"""Requests of many clients scored together, by threads that stay off the event loop."""

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
from evalkit.server.jobs import Job, began

logger = logging.getLogger("evalkit.server")

_SHARE_OF_POOL = 32
"""A batch of the service is this fraction of a pool of the quality pass, about what is computed at once: whoever comes
waits for the batch before, and everybody in one for all of it."""
_MEMORY = 0.9
"""How much of what is known of a model's speed outlasts one more batch."""


class Batcher:
    """The queue of one reranker and the threads that work on it.

    A reranker that scores the pairs of many requests faster together is given batches, by one thread: it brings its
    own. Any other gets a request a call, several at once.

    Parameters
    ----------
    reranker
        What scores.
    settings
        How long to wait, and for how much.
    on_batch
        Told pairs and seconds of every batch.
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
        self.divides = merges and reranker.pointwise
        self._batch_pairs = 1
        if merges and isinstance(reranker, Pooled):
            self._batch_pairs = settings.batch_pairs or max(reranker.pool_pairs // _SHARE_OF_POOL, 1)
        threads = 1 if isinstance(reranker, Pooled) else settings.concurrency
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def wait_s(self) -> float:
        """Return about how long what waits will take; 0 until that is known."""
        return self.queue.pairs / (self._pairs_per_s * len(self._threads))

    def has_room(self) -> bool:
        """Return whether one more pair may wait."""
        return self.queue.has_room() and self.wait_s() < self._longest_queue_s

    def put(self, job: Job) -> None:
        """Let a request wait; see `FairQueue.put`."""
        if not self.has_room():
            raise FullError
        self.queue.put(job)

    def close(self) -> None:
        """Take no more requests, and end once those that wait are scored."""
        self.queue.close()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while pieces := self.queue.take(self._batch_pairs, self._linger_s if self.divides else 0.0):
            start = time.perf_counter()
            began([piece.job for piece in pieces])
            self._score(pieces)
            seconds = time.perf_counter() - start
            pairs = sum(piece.stop - piece.start for piece in pieces)
            self._on_batch(pairs, seconds)
            self._learn(pairs, pairs / max(seconds, 1e-6))

    def _learn(self, pairs: int, rate: float) -> None:
        """Note how fast a batch was; one that is not half full says only that it can be as fast as that."""
        known = self._pairs_per_s
        if 2 * pairs >= self._batch_pairs:
            self._pairs_per_s = rate if math.isinf(known) else _MEMORY * known + (1 - _MEMORY) * rate
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
            for piece in pieces:  # one of them cannot be scored: that is no fault of the others
                self._score([piece])
        except Exception as error:  # whatever a backend raises ends its requests, not the service
            logger.exception("failed to answer")
            for piece in pieces:
                piece.job.fail(error)

    def _call(self, requests: Sequence[RerankRequest]) -> Sequence[RerankResponse]:
        if len(requests) > 1 and isinstance(self._reranker, Pooled):
            return self._reranker.score_many(requests)
        return [self._reranker.score(request) for request in requests]
