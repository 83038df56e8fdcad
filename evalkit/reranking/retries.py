"""Send one batch: wait for the rate limit, send, retry, and halve it if it is too large for the server."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Generator, Iterator
from dataclasses import replace

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_result,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from evalkit.errors import CallError
from evalkit.reranking.batching import Batch, cut
from evalkit.reranking.list_limits import may_be_content, parts_of, with_evidence, without
from evalkit.reranking.outcomes import Attempt, CallContext, Clock, Outcome, make_call, retried
from evalkit.reranking.rate_limits import ConcurrencyLimiter
from evalkit.reranking.session import RerankerSession

THROTTLED = 429


class StoppedError(Exception):
    """The caller was stopped while a call waited to be sent."""


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
        self._limiter = limiter or ConcurrencyLimiter(1, adaptive=False)
        self._stop = stop or threading.Event()
        self._explains = splits
        self._splits = splits and session.reranker.pointwise
        self._retries_without_reply = retries_without_reply
        self._retries = session.traffic.retries if retries else 0
        self._clock = clock

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
        attempts = self._attempt(item, context, due_s)
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

    def _attempt(self, item: Batch, context: CallContext, due_s: float | None) -> tuple[Attempt, ...]:
        """Return all attempts to send a batch unsplit; the last one counts."""
        named = replace(item, request=replace(item.request, call_id=uuid.uuid4().hex))
        scheduled = self._clock() if due_s is None else due_s
        made: list[Attempt] = []

        def attempt_once() -> Attempt:
            attempt = self._once(named, context, len(made) + 1, scheduled)
            made.append(attempt)
            return attempt

        Retrying(
            retry=retry_if_result(self._may_pass),
            stop=stop_after_attempt(1 + self._retries),
            wait=self._wait,
            sleep=self._sleep,
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )(attempt_once)
        if made[-1].failure is not None:
            self._session.budget.settle(0.0, made[-1].failure.billed_usd)
        return (*map(retried, made[:-1]), made[-1])

    def _once(self, item: Batch, context: CallContext, number: int, scheduled_s: float) -> Attempt:
        session = self._session
        reserved = session.tokens.cost_usd(item.request, session.traffic.price)
        tokens = session.tokens.usage(item.request).tokens if session.traffic.tokens_per_minute else 0
        session.budget.reserve(reserved)
        cost = 0.0
        try:
            session.rate_limiter.wait_turn(tokens or 0, self._sleep, session.tokens.requests(item.request))
            ticket = self._limiter.enter()
            throttled = False
            try:
                attempt = make_call(
                    session.reranker,
                    item,
                    context,
                    self._clock,
                    attempt=number,
                    scheduled_s=scheduled_s,
                    price=session.traffic.price,
                )
                throttled = attempt.call.http_status == THROTTLED
            finally:
                self._limiter.leave(ticket, throttled=throttled)
            cost = self._charge(attempt, reserved)
        finally:
            session.budget.settle(reserved, cost)
        self._learn(item, attempt)
        return attempt

    @staticmethod
    def _charge(attempt: Attempt, reserved: float) -> float:
        """Return the cost to charge for a call: the reported cost, else the reserved maximum.

        A call that the server refused, or that did not reach it, costs nothing.
        """
        if attempt.call.cost_usd is not None:
            return attempt.call.cost_usd
        refused = attempt.failure is not None and attempt.failure.kind in {"http", "connect", "request"}
        return 0.0 if refused else reserved

    def _learn(self, item: Batch, attempt: Attempt) -> None:
        pause = attempt.failure.remedy.wait_s if attempt.failure else None
        self._session.tell_unusable(attempt.response)
        if attempt.response is not None:
            self._session.tokens.learn(item.request, attempt.response.usage.tokens)
            pause = attempt.response.pause_s
        if pause is not None:
            # A call that must wait longer than `longest_wait_s` fails instead; see `_may_pass`.
            self._session.rate_limiter.pause(min(pause, self._session.traffic.longest_wait_s))

    def _may_pass(self, attempt: Attempt) -> bool:
        failure = attempt.failure
        if failure is None or not failure.remedy.transient or self._stop.is_set():
            return False
        if failure.http_status is None and not self._retries_without_reply:
            return False
        longest = self._session.traffic.longest_wait_s
        if failure.remedy.wait_s is not None and failure.remedy.wait_s > longest:
            failure.message += (
                f"; the server asks to wait {failure.remedy.wait_s:.0f} s; longest_wait_s is {longest:g}"
            )
            return False
        return True

    def _wait(self, state: RetryCallState) -> float:
        """Return the seconds before the next attempt: as requested by the server, else exponential backoff."""
        failure = state.outcome.result().failure if state.outcome else None
        if failure is not None and failure.remedy.wait_s is not None:
            return float(failure.remedy.wait_s)
        traffic = self._session.traffic
        backoff = wait_exponential(multiplier=traffic.retry_wait_s, max=traffic.longest_wait_s)
        return backoff(state) + wait_random(0, traffic.retry_wait_s)(state)

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise StoppedError
