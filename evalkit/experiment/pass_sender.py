"""How the quality and precision passes send batches: as calls in threads, or in groups to a worker pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.distributed import WorkerPool
from evalkit.rerankers import Reranker
from evalkit.reranking import (
    Batch,
    CallContext,
    Outcome,
    RerankerSession,
    Sender,
    embedded_ahead,
    send_pooled,
)


class Sending:
    """Sends the batches of one pass.

    Parameters
    ----------
    session, context
        The reranker, and the properties that all calls share.
    pool
        Scores groups of batches; None for calls in threads.
    """

    def __init__(
        self, session: RerankerSession, context: CallContext, pool: WorkerPool[Reranker] | None
    ) -> None:
        self._session, self._context, self._pool = session, context, pool
        self._sender: Sender | None = None

    def send(self, batches: Sequence[Batch]) -> Iterator[Outcome]:
        """Yield the outcome of every batch, in order of completion."""
        if self._pool is None:
            with Sender(self._session, self._session.concurrency) as self._sender:
                yield from self._sender.send(batches, self._context)
            return
        with embedded_ahead(self._session.reranker, batches, self._pool) as pool:
            yield from send_pooled(self._session, batches, self._context, pool)

    def late(self) -> Iterator[Outcome]:
        """Yield the outcomes of calls that were in flight when the pass stopped and that still completed."""
        if self._sender is not None:
            yield from self._sender.late()

    @property
    def lowest_concurrency(self) -> int | None:
        """Fewest calls in flight after the server throttled; None where no calls were made in threads."""
        return self._sender.limiter.lowest if self._sender else None
