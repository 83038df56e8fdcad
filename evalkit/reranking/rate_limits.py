"""Rate limits and concurrency: limits per minute, pauses requested by a server, and calls in flight."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from evalkit.reranking.call_history import SentCall
from evalkit.reranking.learned_rates import LearnedLimit, LearnedRate

WINDOW_S = 60.0
_CAREFUL = 8
"""Calls in flight from which their number rises faster as long as none was refused."""
Sleep = Callable[[float], None]


class RateLimiter:
    """Limits requests and tokens in every 60-second window, and to the rate that refusals show. Thread-safe.

    Every call that `wait_turn` lets through is reported with `accept`, `refuse` or `drop`.

    Parameters
    ----------
    requests_per_minute, tokens_per_minute
        The limits; None for no limit.
    clock
        A monotonic clock in seconds.
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
        self._rate = LearnedRate()

    def wait_turn(
        self, tokens: float, sleep: Sleep, requests: int = 1, *, scheduled: bool = False
    ) -> SentCall:
        """Wait until a call is within the limits, count it as sent, and return it.

        Parameters
        ----------
        tokens, requests
            What the server will count.
        sleep
            Waits some seconds.
        scheduled
            Whether the call is due at a planned time: what was learned from refusals does not delay it.
        """
        while isinstance(turn := self._take(tokens, requests, scheduled=scheduled), float):
            sleep(turn)
        return turn

    def pause(self, seconds: float) -> None:
        """Let no call start for `seconds`, as the server requested."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

    def accept(self, call: SentCall) -> None:
        """Note that the server did not refuse a call for the rate."""
        with self._lock:
            self._rate.accept(call, self._clock())

    def refuse(self, call: SentCall, asked_s: float | None = None, unit_s: float | None = None) -> None:
        """Note that the server refused a call for the rate; see `LearnedRate.refuse`."""
        with self._lock:
            self._rate.refuse(call, self._clock(), asked_s, unit_s)

    def drop(self, call: SentCall) -> None:
        """Note that a call was not sent, or that nothing is known of its end."""
        with self._lock:
            self._rate.drop(call)

    @property
    def learned(self) -> LearnedLimit | None:
        """The limit that refusals showed; None before that."""
        return self._rate.limit

    def refused_s(self) -> float:
        """Return for how many seconds every call has been refused; 0 while calls are accepted."""
        with self._lock:
            return self._rate.refused_s(self._clock())

    def next_s(self) -> float:
        """Return the seconds until a call is sent again after a refusal; 0 while calls are accepted."""
        with self._lock:
            return self._rate.next_s(self._clock())

    def _take(self, tokens: float, requests: int, *, scheduled: bool) -> SentCall | float:
        """Count a call as sent and return it, or return the seconds to wait before trying again."""
        with self._lock:
            now = self._clock()
            if now < self._paused_until:
                return self._paused_until - now
            while self._sent and self._sent[0][0] <= now - WINDOW_S:
                self._sent.popleft()
            if not self._fits(tokens, requests):
                return self._sent[0][0] + WINDOW_S - now
            if not scheduled and (wait := self._rate.wait_s(now, requests)) > 0:
                return wait
            if self._requests is not None or self._tokens is not None:
                self._sent.append((now, tokens, requests))
            return SentCall(now, requests) if scheduled else self._rate.start(now, requests)

    def _fits(self, tokens: float, requests: int) -> bool:
        if not self._sent:  # a single call beyond the limit is still sent, if the window is empty
            return True
        if self._requests is not None and sum(r for *_, r in self._sent) + requests > self._requests:
            return False
        return self._tokens is None or sum(t for _, t, _ in self._sent) + tokens <= self._tokens


class ConcurrencyLimiter:
    """Limits the calls in flight: fewer after the server throttles a call, more again after successes.

    Additive increase, multiplicative decrease (Chiu and Jain 1989). The limit is halved once for all throttled
    calls that started before the halving, and rises by one after as many consecutive successes as calls are
    allowed.

    Parameters
    ----------
    most
        The maximum number of calls in flight, and the initial one.
    adaptive
        Whether the limit changes at all; a latency pass measures a fixed number.
    first
        The initial number instead of `most`: an unknown rate limit then refuses few calls at once.
    """

    def __init__(self, most: int, *, adaptive: bool = True, first: int | None = None) -> None:
        self._most = most
        self._adaptive = adaptive
        self._changed = threading.Condition()
        self._in_flight = 0
        self._successes = 0
        self._epoch = 0
        self.allowed = most if first is None else min(first, most)
        self.lowest = most

    def enter(self) -> int:
        """Wait until a call may start; return the ticket to pass to `leave`."""
        with self._changed:
            self._changed.wait_for(lambda: self._in_flight < self.allowed)
            self._in_flight += 1
            return self._epoch

    def leave(self, ticket: int, *, throttled: bool) -> None:
        """Count a call as finished; `throttled` if the server returned 429."""
        with self._changed:
            self._in_flight -= 1
            if self._adaptive:
                self._adapt(ticket, throttled=throttled)
            self._changed.notify_all()

    def _adapt(self, ticket: int, *, throttled: bool) -> None:
        if throttled:
            self._successes = 0
            if ticket == self._epoch:
                self._epoch += 1
                self.allowed = max(1, self.allowed // 2)
                self.lowest = min(self.lowest, self.allowed)
            return
        self._successes += 1
        needed = 1 if self._epoch == 0 and self.allowed >= _CAREFUL else self.allowed
        if self._successes >= needed and self.allowed < self._most:
            self.allowed += 1
            self._successes = 0
