"""Deliver a batch: as one call, or in parts if the server refuses it as too large."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import replace

from evalkit.errors import CallError
from evalkit.reranking.batching import Batch, cut
from evalkit.reranking.list_limits import may_be_content, parts_of, with_evidence, without
from evalkit.reranking.outcomes import Attempt, CallContext, Clock, Outcome, retried
from evalkit.reranking.rate_limits import ConcurrencyLimiter
from evalkit.reranking.retries import RetriedCalls
from evalkit.reranking.session import RerankerSession


class _RefusedForContentError(Exception):
    """A list cannot be scored, whatever its length; `attempts` are those of the outcome that says so."""

    def __init__(self, attempts: tuple[Attempt, ...]) -> None:
        super().__init__()
        self.attempts = attempts


def _explained(attempt: Attempt, item: Batch, *, alone: bool = False, proven: bool = False) -> Attempt:
    """Return a refused attempt whose failure names the likely document; see `with_evidence`."""
    if attempt.failure is None:
        return attempt
    failure = with_evidence(attempt.failure, item.request, alone=alone, proven=proven)
    return replace(
        attempt, failure=failure, call=replace(attempt.call, error=f"{failure.kind}: {failure.message}")
    )


class RetryingCaller:
    """Sends the batches of one reranker session. Thread-safe.

    Parameters
    ----------
    session
        The reranker with its budget, rate limits and retry settings.
    limiter
        Limits the calls in flight; by default one at a time.
    stop
        Set to stop waiting.
    splits
        Whether a batch that is too large for the server may be sent in parts, and the failure of one that is refused
        for a text names the likely document; False for timed calls and checks.
    retries_without_reply
        Whether calls without an HTTP reply are retried, too, e.g. after a refused connection.
    retries
        Whether failed calls are retried at all; False for calls with scheduled times.
    clock
        A monotonic clock in seconds.
    """

    def __init__(
        self,
        session: RerankerSession,
        limiter: ConcurrencyLimiter | None = None,
        stop: threading.Event | None = None,
        *,
        splits: bool = True,
        retries_without_reply: bool = True,
        retries: bool = True,
        clock: Clock = time.perf_counter,
    ) -> None:
        self._session = session
        self._explains = splits
        self._splits = splits and session.reranker.pointwise
        self._calls = RetriedCalls(
            session,
            limiter or ConcurrencyLimiter(1, adaptive=False),
            stop or threading.Event(),
            retries=session.traffic.retries if retries else 0,
            without_reply=retries_without_reply,
            clock=clock,
        )

    def deliver(self, item: Batch, context: CallContext, due_s: float | None = None) -> Iterator[Outcome]:
        """Yield the outcome of a batch, or of the parts in which it was sent.

        Parameters
        ----------
        item, context
            The batch, and the fields that its call shares with others.
        due_s
            When the call was due, in seconds of `clock`; None for now.

        Raises
        ------
        StoppedError
            If `stop` is set while the call waits.
        BudgetError
            If the next call could exceed the budget.
        """
        sent: set[str] = set()
        try:
            for outcome in self._deliver(item, context, (), due_s):
                sent.update(outcome.batch.request.doc_ids)
                yield outcome
        except _RefusedForContentError as refused:
            # The query has no result without this document, so the others are not sent.
            yield Outcome(without(item, sent), refused.attempts)

    def _deliver(
        self,
        item: Batch,
        context: CallContext,
        before: tuple[Attempt, ...],
        due_s: float | None = None,
        *,
        is_part: bool = False,
    ) -> Generator[Outcome, None, bool]:
        """Send a batch in lists of the learned length, and return whether all were scored.

        `before` are the failed attempts with a longer list; `is_part` is whether there were some.
        """
        limit = self._session.limits.documents if self._splits else None
        scored = True
        for part in cut(item, limit) if limit else (item,):
            scored = (yield from self._send(part, context, before, due_s, is_part=is_part)) and scored
            before = ()
        return scored

    def _send(
        self,
        item: Batch,
        context: CallContext,
        before: tuple[Attempt, ...],
        due_s: float | None,
        *,
        is_part: bool,
    ) -> Generator[Outcome, None, bool]:
        """Send one list, or its parts if it is too long; see `_deliver`."""
        session, size = self._session, len(item.request.documents)
        if session.closed is not None:
            yield Outcome(item, (), session.closed, context)
            return False
        attempts = self._calls.make(item, context, due_s)
        if not attempts:
            yield Outcome(item, before, session.closed, context)
            return False
        failure = attempts[-1].failure
        if failure is None:
            session.limits.note_scored(size)
        elif session.limits.is_content(failure, size):
            if self._explains:
                attempts = (*attempts[:-1], _explained(attempts[-1], item, alone=is_part, proven=True))
            if self._splits:
                raise _RefusedForContentError((*before, *attempts))
        elif failure.remedy.too_large and self._splits:
            tried = (*before, *map(retried, attempts))
            return (yield from self._send_parts(item, failure, context, tried, is_part=is_part))
        elif self._explains and may_be_content(failure):
            attempts = (*attempts[:-1], _explained(attempts[-1], item))
        session.record(failure)
        yield Outcome(item, (*before, *attempts))
        return failure is None

    def _send_parts(
        self,
        item: Batch,
        failure: CallError,
        context: CallContext,
        before: tuple[Attempt, ...],
        *,
        is_part: bool,
    ) -> Generator[Outcome, None, bool]:
        """Send the parts of a refused list, and learn their length if all are scored; return whether they are."""
        limits, size = self._session.limits, len(item.request.documents)
        allowed, may_learn = failure.remedy.most_documents, limits.may_learn(failure, size)
        if allowed is not None and allowed < size:
            limits.learn(allowed)
            return (yield from self._deliver(item, context, before, is_part=True))
        scored = True
        for part in parts_of(item, failure, first=not is_part):
            scored = (yield from self._deliver(part, context, before, is_part=True)) and scored
            before = ()
        if scored and may_learn:
            limits.learn((size + 1) // 2)
        return scored
