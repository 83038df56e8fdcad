"""Score requests of many clients together, in threads so that the event loop is not blocked."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence

from evalkit.config import ServiceSettings
from evalkit.errors import RETRYABLE, CallError
from evalkit.records import RerankRequest, RerankResponse
from evalkit.rerankers import Pooled, Reranker, readable
from evalkit.reranking import find_fault
from evalkit.server.fair_queue import FairQueue, FullError, Piece
from evalkit.server.jobs import Job, mark_started

logger = logging.getLogger("evalkit.server")

_BATCHES_PER_POOL = 32
"""Batches of the service per pool of the quality pass. A batch is about what the model computes at once and no more,
because a request waits for the batch before it, and for all of its own."""
_JOIN_S = 0.1
_SMOOTHING = 0.9
"""Weight of the previous estimate of a model's speed when a batch updates it."""


class Worker:
    """A thread that scores, and what it scores now.

    Parameters
    ----------
    work
        Runs in the thread.

    Attributes
    ----------
    jobs
        The requests of which pieces are being scored.
    has_failed
        Whether the thread ended without being told to.
    """

    def __init__(self, work: Callable[[Worker], None]) -> None:
        self.jobs: tuple[Job, ...] = ()
        self.has_failed = False
        self.thread = threading.Thread(target=work, args=(self,), daemon=True)

    def is_working(self, arrived_after_s: float) -> bool:
        """Return whether the thread lives and scores nothing that arrived before a time of `time.perf_counter`."""
        return self.thread.is_alive() and all(job.arrived_s > arrived_after_s for job in self.jobs)


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
        self._workers = [Worker(self._work) for _ in range(threads)]
        self._timeout_s = settings.answer_timeout_s
        self._has_given_up = False
        for worker in self._workers:
            worker.thread.start()

    def wait_s(self) -> float:
        """Return the estimated seconds until all waiting pairs are scored; 0 until the speed is known."""
        return self.queue.pairs / (self._pairs_per_s * len(self._workers))

    def has_room(self) -> bool:
        """Return whether one more pair may wait."""
        return self.queue.has_room() and self.wait_s() < self._longest_queue_s

    def is_working(self) -> bool:
        """Return whether a worker lives that is not stuck in a call of which a request has waited too long."""
        return any(worker.is_working(self._oldest_s()) for worker in self._workers)

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

    def close(self) -> bool:
        """Accept no more requests; return once the waiting ones are scored.

        Returns
        -------
        False if a thread is still in a call for which nobody waits any more.
        """
        self.queue.close()
        for worker in self._workers:
            while worker.thread.is_alive():
                worker.thread.join(_JOIN_S)
                if worker.jobs and (self._has_given_up or not worker.is_working(self._oldest_s())):
                    return False
        return True

    def give_up(self, error: CallError) -> None:
        """Accept no more requests, and end those that wait or are being scored with an error."""
        self.queue.close()
        self._has_given_up = True
        for job in {*self.queue.drain(), *(job for worker in self._workers for job in worker.jobs)}:
            job.fail(error)

    def _oldest_s(self) -> float:
        """Return the arrival, by `time.perf_counter`, of the oldest request that may still be answered."""
        return time.perf_counter() - self._timeout_s

    def _work(self, worker: Worker) -> None:
        try:
            while pieces := self.queue.take(self._batch_pairs, self._linger_s if self.divisible else 0.0):
                start = time.perf_counter()
                worker.jobs = tuple(piece.job for piece in pieces)
                mark_started(worker.jobs)
                self._score(pieces)
                seconds = time.perf_counter() - start
                pairs = sum(piece.stop - piece.start for piece in pieces)
                worker.jobs = ()
                self._on_batch(pairs, seconds)
                self._learn(pairs, pairs / max(seconds, 1e-6))
        except BaseException:  # a bug: without this, requests would wait for a thread that is gone
            logger.critical("a worker of the service ended", exc_info=True)
            worker.has_failed = True
            for job in worker.jobs:
                job.fail(CallError("backend", "the model failed"))
            if all(one.has_failed for one in self._workers):
                self.give_up(CallError("backend", "the model is not available", remedy=RETRYABLE))

    def _learn(self, pairs: int, rate: float) -> None:
        """Update the speed estimate; a batch that is not half full only gives a lower bound."""
        known = self._pairs_per_s
        if 2 * pairs >= self._batch_pairs:
            self._pairs_per_s = rate if math.isinf(known) else _SMOOTHING * known + (1 - _SMOOTHING) * rate
        elif not math.isinf(known):
            self._pairs_per_s = max(known, rate)

    def _score(self, pieces: Sequence[Piece[Job]]) -> None:
        try:
            parts = [
                (piece.job, *part) for piece in pieces for part in piece.job.parts(piece.start, piece.stop)
            ]
            responses = self._call([request for _, _, request in parts])
            faults = [
                find_fault(response, request)
                for response, (_, _, request) in zip(responses, parts, strict=True)
            ]
        except (
            BaseException
        ) as error:  # SystemExit or a panic of native code, too, fails a request, not the service
            if len(pieces) > 1:
                for piece in pieces:  # separately: the failure of one request must not fail the others
                    self._score([piece])
                return
            pieces[0].job.fail(error)
            if not isinstance(error, CallError):
                logger.exception("request failed")
            return
        for (job, start, _), response, fault in zip(parts, responses, faults, strict=True):
            if fault:
                job.fail(fault)
            else:
                job.accept(start, response)

    def _call(self, requests: Sequence[RerankRequest]) -> Sequence[RerankResponse]:
        requests = [readable(self._reranker, request) for request in requests]
        if len(requests) > 1 and isinstance(self._reranker, Pooled):
            return self._reranker.score_many(requests)
        return [self._reranker.score(request) for request in requests]
