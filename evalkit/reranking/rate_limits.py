"""When a call may go: limits per minute, pauses a server asked for, calls in flight."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

WINDOW_S = 60.0
Sleep = Callable[[float], None]


class RateLimiter:
    """Keeps requests and tokens per minute, over every window of a minute. Used from several threads.

    Parameters
    ----------
    requests_per_minute, tokens_per_minute
        The limits; None for none.
    clock
        Seconds of a monotonic clock.
    """

    def __init__(
        self,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._requests = requests_per_minute
        self._tokens = tokens_per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._sent: deque[tuple[float, float, int]] = deque()
        self._paused_until = -float("inf")

    def wait_turn(self, tokens: float, sleep: Sleep, requests: int = 1) -> None:
        """Wait until a call of that many tokens and requests keeps the limits, and count it as sent."""
        while (wait := self._take(tokens, requests)) > 0:
            sleep(wait)

    def pause(self, seconds: float) -> None:
        """Let nothing go for a while: the server said so."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

    def _take(self, tokens: float, requests: int) -> float:
        """Count a call as sent and return 0, or return how long to wait before trying again."""
        with self._lock:
            now = self._clock()
            if now < self._paused_until:
                return self._paused_until - now
            while self._sent and self._sent[0][0] <= now - WINDOW_S:
                self._sent.popleft()
            if self._fits(tokens, requests):
                if self._requests is not None or self._tokens is not None:
                    self._sent.append((now, tokens, requests))
                return 0.0
            return self._sent[0][0] + WINDOW_S - now

    def _fits(self, tokens: float, requests: int) -> bool:
        if not self._sent:  # a call beyond the limit by itself can only be tried alone
            return True
        if self._requests is not None and sum(r for *_, r in self._sent) + requests > self._requests:
            return False
        return self._tokens is None or sum(t for _, t, _ in self._sent) + tokens <= self._tokens


class ConcurrencyLimiter:
    """Lets so many calls be in flight: fewer after a refusal for their number, more again after successes.

    Additive increase, multiplicative decrease (Chiu and Jain 1989): halved once for all refusals of
    calls that went before the last halving, one more after as many successes in a row as are allowed.

    Parameters
    ----------
    most
        Calls in flight to start with, and at most.
    adaptive
        Whether the number changes at all; a latency pass measures a given one.
    """

    def __init__(self, most: int, *, adaptive: bool = True) -> None:
        self._most = most
        self._adaptive = adaptive
        self._turn = threading.Condition()
        self._in_flight = 0
        self._successes = 0
        self._epoch = 0
        self.allowed = most
        self.lowest = most

    def enter(self) -> int:
        """Wait for a place; return a ticket for `leave`."""
        with self._turn:
            self._turn.wait_for(lambda: self._in_flight < self.allowed)
            self._in_flight += 1
            return self._epoch

    def leave(self, ticket: int, *, throttled: bool) -> None:
        """Give the place back; `throttled` where the server refused the call for the number of calls."""
        with self._turn:
            self._in_flight -= 1
            if self._adaptive:
                self._adapt(ticket, throttled=throttled)
            self._turn.notify_all()

    def _adapt(self, ticket: int, *, throttled: bool) -> None:
        if throttled:
            self._successes = 0
            if ticket == self._epoch:
                self._epoch += 1
                self.allowed = max(1, self.allowed // 2)
                self.lowest = min(self.lowest, self.allowed)
            return
        self._successes += 1
        if self._successes >= self.allowed and self.allowed < self._most:
            self.allowed += 1
            self._successes = 0
