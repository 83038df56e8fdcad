"""Send one batch: wait for the rate limit, send, retry, and halve it if it is too large for the server."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Generator, Iterator
from dataclasses import replace

from tenacity import RetryCallState, Retrying, retry_if_result

from evalkit.errors import CallError
from evalkit.http_client import named_window_s
from evalkit.reranking.batching import Batch, cut
from evalkit.reranking.learned_rates import SentCall
from evalkit.reranking.list_limits import may_be_content, parts_of, with_evidence, without
from evalkit.reranking.outcomes import Attempt, CallContext, Clock, Outcome, make_call, retried
from evalkit.reranking.patience import Patience, asked_s, refuses_rate
from evalkit.reranking.rate_limits import ConcurrencyLimiter
from evalkit.reranking.session import RerankerSession

_LONGEST_SLEEP_S = 0.5
"""Longest time in which a call that waits for its turn does not see that the session was closed."""


class StoppedError(Exception):
    """The caller was stopped while a call waited to be sent."""


class _ClosedError(Exception):
    """The session was closed while a call waited to be sent."""


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

    def _attempt(self, item: Batch, context: CallContext, due_s: float | None) -> tuple[Attempt, ...]:
        """Return all attempts to send a batch unsplit; the last one counts."""
        named = replace(item, request=replace(item.request, call_id=uuid.uuid4().hex))
        scheduled = self._clock() if due_s is None else due_s
        made: list[Attempt] = []
        patience = Patience(self._session, self._retries, self._retries_without_reply, self._clock)

        def attempt_once() -> Attempt:
            attempt = self._once(named, context, len(made) + 1, scheduled)
            made.append(attempt)
            return attempt

        def may_pass(attempt: Attempt) -> bool:
            return not self._stop.is_set() and patience.may_pass(attempt.failure)

        def wait(state: RetryCallState) -> float:
            return patience.wait_s(state.outcome.result().failure if state.outcome else None)

        try:
            Retrying(retry=retry_if_result(may_pass), wait=wait, sleep=self._sleep)(attempt_once)
        except _ClosedError:
            if not made:
                return ()
        if made[-1].failure is not None:
            self._session.budget.settle(0.0, made[-1].failure.billed_usd)
        return (*map(retried, made[:-1]), made[-1])

    def _once(self, item: Batch, context: CallContext, number: int, scheduled_s: float) -> Attempt:
        session = self._session
        reserved = session.tokens.cost_usd(item.request, session.traffic.price)
        session.budget.reserve(reserved)
        cost = 0.0
        try:
            attempt = self._call(item, context, number, scheduled_s)
            cost = self._charge(attempt, reserved)
        finally:
            session.budget.settle(reserved, cost)
        self._learn(item, attempt)
        return attempt

    def _call(self, item: Batch, context: CallContext, number: int, scheduled_s: float) -> Attempt:
        """Make a call as soon as the calls in flight and the rate allow it."""
        session, throttled = self._session, False
        ticket = self._limiter.enter()
        try:
            turn = self._wait_turn(item)
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
                throttled = refuses_rate(attempt.failure)
                self._report(turn, attempt)
            finally:
                session.rate_limiter.drop(turn)
        finally:
            self._limiter.leave(ticket, throttled=throttled)
        return attempt

    def _wait_turn(self, item: Batch) -> SentCall:
        session = self._session
        tokens = session.tokens.usage(item.request).tokens if session.traffic.tokens_per_minute else 0
        requests = session.tokens.requests(item.request)
        # A call with a time of its own is not delayed by what was learned: its wait would count as latency.
        return session.rate_limiter.wait_turn(tokens or 0, self._hold, requests, scheduled=not self._retries)

    def _report(self, turn: SentCall, attempt: Attempt) -> None:
        """Let the rate limiter learn from a call; a call without a reply shows nothing."""
        limiter, failure = self._session.rate_limiter, attempt.failure
        if not self._retries:
            return
        if failure is not None and refuses_rate(failure):
            asked = asked_s(failure)
            # A call that must wait longer than `longest_wait_s` fails instead; see `Patience`.
            asked = None if asked is None else min(asked, self._session.traffic.longest_wait_s)
            limiter.refuse(turn, asked, named_window_s(failure.body or failure.message))
        elif failure is None or failure.http_status is not None:
            limiter.accept(turn)
            self._session.tell_rate()

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
        failure = attempt.failure
        pause = failure.remedy.wait_s if failure and not refuses_rate(failure) else None
        self._session.tell_unusable(attempt.response)
        if attempt.response is not None:
            self._session.tokens.learn(item.request, attempt.response.usage.tokens)
            pause = attempt.response.pause_s
        if pause is not None:
            self._session.rate_limiter.pause(min(pause, self._session.traffic.longest_wait_s))

    def _hold(self, seconds: float) -> None:
        """Wait a part of some seconds, and stop waiting when the session is closed."""
        self._sleep(min(seconds, _LONGEST_SLEEP_S))
        if self._session.closed is not None:
            raise _ClosedError

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise StoppedError
