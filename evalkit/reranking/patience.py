"""How long one call is tried again: after failures that pass, refusals for the rate, and while a model starts."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from evalkit.errors import CallError
from evalkit.http_client import asked_wait_s, is_rate_refusal, is_starting
from evalkit.reranking.session import RerankerSession

REFUSED_WAITS = 3.0
"""Multiple of longest_wait_s after which a server that refuses every call for the rate is given up."""
STARTING_S = 300.0
"""Seconds that a call waits for a model that is being loaded."""
_FIRST_START_WAIT_S, _LONGEST_START_WAIT_S = 1.0, 10.0
"""Waits for a model where the server names none: the first one, doubled up to the longest."""
_MOST_REFUSALS = 100
"""Refusals of one call for the rate."""


def refuses_rate(failure: CallError | None) -> bool:
    """Return whether a call was refused because there were too many before it, also inside a reply with status 200."""
    if failure is None or _starts(failure):
        return False
    status = failure.remedy.status or failure.http_status
    return is_rate_refusal(status, failure.body or failure.message) and (
        failure.remedy.transient or status != 429
    )


def _starts(failure: CallError) -> bool:
    """Return whether a call failed because the model is being loaded."""
    may_pass = failure.remedy.transient or failure.http_status == 200
    return may_pass and is_starting(failure.http_status, failure.body or "")


def asked_s(failure: CallError) -> float | None:
    """Return the seconds that the server asks to wait, in a header or in the body; None if it does not."""
    if failure.remedy.wait_s is not None:
        return failure.remedy.wait_s
    return asked_wait_s(failure.body) if failure.body else None


@dataclass(slots=True)
class Patience:
    """Decides whether and when one call is tried again. An object lives as long as its call.

    Attributes
    ----------
    session
        The reranker with its limits.
    retries
        Attempts after the first, for failures that pass; 0 for none, whatever the failure.
    without_reply
        Whether calls without an HTTP reply are tried again.
    clock
        A monotonic clock in seconds.
    """

    session: RerankerSession
    retries: int
    without_reply: bool
    clock: Callable[[], float]
    _failures: int = 0
    _refusals: int = 0
    _starts: int = 0
    _starting_since_s: float = 0.0

    def may_pass(self, failure: CallError | None) -> bool:
        """Return whether to try again after an attempt; a failure that remains gets a hint at what to set."""
        if failure is None or not self.retries:
            return False
        if _starts(failure):
            return self._may_start(failure)
        if refuses_rate(failure):
            return self._may_be_accepted(failure)
        return self._may_succeed(failure)

    def _may_succeed(self, failure: CallError) -> bool:
        """Return whether a failure that is neither a refusal for the rate nor a start may pass."""
        if not failure.remedy.transient or (failure.http_status is None and not self.without_reply):
            return False
        if failure.kind == "connect" and not self.session.has_replied:
            # Most likely the address is wrong, or nothing runs there.
            failure.remedy = replace(failure.remedy, permanent=True)
            return False
        self._failures += 1
        if self._is_too_long(failure):
            return False
        if self._failures > self.retries:
            failure.hint = failure.hint or (
                f"it was tried {self._failures} times: set retries or retry_wait_s higher if the server needs longer"
            )
            return False
        if failure.kind == "connect":
            within_s = sum(map(self._backoff_s, range(self.retries)))
            self.session.notes.unreachable(failure.message, self.retries, within_s)
        return True

    def wait_s(self, failure: CallError | None) -> float:
        """Return the seconds before the next attempt: as the server asks, else doubled each time.

        0 after a refusal for the rate: the session's rate limiter holds the call back.
        """
        if failure is None or refuses_rate(failure):
            return 0.0
        asked = asked_s(failure)
        if _starts(failure):
            return self._start_wait(asked)
        if asked is not None:
            return asked
        spread = random.uniform(0, self.session.traffic.retry_wait_s)  # noqa: S311 - spreads calls, protects nothing
        return self._backoff_s(self._failures - 1) + spread

    def _backoff_s(self, failures: int) -> float:
        """Return the wait after so many failures before this one, without what spreads calls."""
        traffic = self.session.traffic
        return min(traffic.retry_wait_s * 2.0**failures, traffic.longest_wait_s)

    def _may_start(self, failure: CallError) -> bool:
        now = self.clock()
        self._starting_since_s = self._starting_since_s if self._starts else now
        self._starts += 1
        if now - self._starting_since_s < STARTING_S:
            return True
        failure.message += f"; the model was not ready after {now - self._starting_since_s:.0f} s"
        failure.hint = failure.hint or "start the model first, and run again when it answers"
        failure.remedy = replace(failure.remedy, permanent=True)
        return False

    def _start_wait(self, asked: float | None) -> float:
        left = max(self._starting_since_s + STARTING_S - self.clock(), _FIRST_START_WAIT_S)
        doubled = min(_FIRST_START_WAIT_S * 2.0 ** (self._starts - 1), _LONGEST_START_WAIT_S)
        seconds = min(max(asked or 0.0, _FIRST_START_WAIT_S) if asked is not None else doubled, left)
        self.session.wait_for_start(seconds)
        return seconds

    def _may_be_accepted(self, failure: CallError) -> bool:
        self._refusals += 1
        if self._is_too_long(failure):
            return False
        limiter, longest = self.session.rate_limiter, self.session.traffic.longest_wait_s
        refused = limiter.refused_s()
        if refused < REFUSED_WAITS * longest and self._refusals < _MOST_REFUSALS:
            self.session.notes.refused(limiter.next_s())
            return True
        failure.message += f"; every call was refused for {refused:.0f} s"
        number = "the number that the API allows" if limiter.learned is None else limiter.learned.shown
        failure.hint = failure.hint or (
            f"set requests_per_minute: {number}, or run again when the limit is renewed;"
            " longest_wait_s sets how long refusals are waited for"
        )
        failure.remedy = replace(failure.remedy, permanent=True)
        return False

    def _is_too_long(self, failure: CallError) -> bool:
        """Return whether the server asks for a longer wait than is allowed, and say so in the failure."""
        asked, longest = asked_s(failure), self.session.traffic.longest_wait_s
        if asked is None or asked <= longest:
            return False
        failure.message += f"; the server asks to wait {asked:.0f} s; longest_wait_s is {longest:g}"
        rate = ", or requests_per_minute to what the API allows" if refuses_rate(failure) else ""
        failure.hint = failure.hint or f"set longest_wait_s: {asked:.0f} to wait as long{rate}"
        return True
