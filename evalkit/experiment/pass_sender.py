"""The two ways in which the quality pass has batches scored: calls in threads, or pools by a crew."""

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
        Whose batches, and what their calls have in common.
    pool
        Who scores pools of them; None for calls in threads.
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
        """Yield what was in flight when the pass stopped, and still came back."""
        if self._sender is not None:
            yield from self._sender.late()

    @property
    def lowest_concurrency(self) -> int | None:
        """Fewest calls in flight that the server's refusals left; None where no calls were made."""
        return self._sender.limiter.lowest if self._sender else None
