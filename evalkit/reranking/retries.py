"""Make one call: wait for the rate limit, send, and retry."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace

from evalkit.http_client import named_window_s
from evalkit.reranking.batching import Batch
from evalkit.reranking.call_history import SentCall
from evalkit.reranking.outcomes import Attempt, CallContext, Clock, make_call, retried
from evalkit.reranking.patience import Patience, asked_s, refuses_rate
from evalkit.reranking.rate_limits import ConcurrencyLimiter
from evalkit.reranking.session import RerankerSession

_LONGEST_SLEEP_S = 0.5
"""Longest time in which a call that waits for its turn does not see that the session was closed."""


class StoppedError(Exception):
    """The caller was stopped while a call waited to be sent."""


class _ClosedError(Exception):
    """The session was closed while a call waited to be sent."""


class RetriedCalls:
    """Makes the calls of one reranker session, each with its retries. Thread-safe.

    Parameters
    ----------
    session, limiter, stop, clock
        See `evalkit.reranking.delivery.RetryingCaller`.
    retries
        Attempts after the first, for failures that pass; 0 for none, whatever the failure.
    without_reply
        Whether calls without an HTTP reply are retried, too.
    """

    def __init__(
        self,
        session: RerankerSession,
        limiter: ConcurrencyLimiter,
        stop: threading.Event,
        *,
        retries: int,
        without_reply: bool,
        clock: Clock,
    ) -> None:
        self._session, self._limiter, self._stop = session, limiter, stop
        self._retries, self._without_reply = retries, without_reply
        self._clock = clock

    def make(self, item: Batch, context: CallContext, due_s: float | None) -> tuple[Attempt, ...]:
        """Return all attempts to send a batch, of which the last one counts; none if the session was closed.

        For parameters and errors see `evalkit.reranking.delivery.RetryingCaller.deliver`.
        """
        named = replace(item, request=replace(item.request, call_id=uuid.uuid4().hex))
        scheduled = self._clock() if due_s is None else due_s
        made: list[Attempt] = []
        patience = Patience(self._session, self._retries, self._without_reply, self._clock)

        try:
            while True:
                made.append(self._once(named, context, len(made) + 1, scheduled))
                failure = made[-1].failure
                if failure is None or self._stop.is_set() or not patience.may_pass(failure):
                    break
                self._sleep(patience.wait_s(failure))
        except _ClosedError:
            if not made:
                return ()
        if made[-1].failure is not None:
            self._session.budget.settle(0.0, made[-1].failure.kept_usd)
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
        # A call with a planned time is not delayed by what was learned: its wait would count as latency.
        return session.rate_limiter.wait_turn(tokens or 0, self._hold, requests, scheduled=not self._retries)

    def _report(self, turn: SentCall, attempt: Attempt) -> None:
        """Let the rate limiter learn from a call; a call without a reply shows nothing."""
        limiter, failure = self._session.rate_limiter, attempt.failure
        self._session.has_replied |= failure is None or failure.http_status is not None
        if not self._retries:
            return
        if failure is not None and refuses_rate(failure):
            asked = asked_s(failure)
            # A call that must wait longer than `longest_wait_s` fails instead; see `Patience`.
            asked = None if asked is None else min(asked, self._session.traffic.longest_wait_s)
            limiter.refuse(turn, asked, named_window_s(failure.body or failure.message))
        elif failure is None or failure.http_status is not None:
            limiter.accept(turn)
            self._session.notes.learned_rate(limiter.learned)

    @staticmethod
    def _charge(attempt: Attempt, reserved: float) -> float:
        """Return the cost to charge for a call: the reported cost, else the reserved maximum.

        A call that the server refused, or that did not reach it, costs what its other requests did. Answers that are
        kept for the next attempt are charged with the last one.
        """
        if attempt.call.cost_usd is not None:
            return attempt.call.cost_usd
        failure = attempt.failure
        if failure is not None and (failure.cost_known or failure.kind in {"http", "connect", "request"}):
            return failure.billed_usd
        return reserved

    def _learn(self, item: Batch, attempt: Attempt) -> None:
        failure = attempt.failure
        pause = failure.remedy.wait_s if failure and not refuses_rate(failure) else None
        self._session.notes.unusable_amounts(attempt.response)
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
