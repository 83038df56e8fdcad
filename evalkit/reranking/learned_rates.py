"""The rate that a server accepts, learned from its refusals: how many requests it takes, and in how many seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from evalkit.reranking.call_history import MINUTE_S, CallHistory, SentCall, padded

_FIRST_WAIT_S = 1.0
"""Wait before a refused call is sent again; a limit per second and a full queue last no longer."""
_UNKNOWN_WAITS_S = (1.0, 4.0, 15.0)
"""Waits if hardly any call was accepted before, so that the refusal has another reason; after these, a minute."""
_FEW = 5
"""Accepted calls of the last minute below which a limit per minute is not the likely reason."""
_SHORTER = 3.0
"""A learned window is tried once at this fraction of itself, and kept if that is refused."""
_SHORTEST_S = 0.05
"""A limit with a shorter window is ignored."""
_POLL_S = 0.05
"""Wait before asking again whether a call in flight has ended."""
_FEWEST_WINDOWS, _MOST_WINDOWS = 2, 64
"""Windows without a refusal after which a lowered limit is raised; doubled each time that it was raised too far."""


@dataclass(frozen=True, slots=True)
class LearnedLimit:
    """Requests that a server accepts in every window of some seconds."""

    requests: int
    window_s: float

    @property
    def per_minute(self) -> float:
        """Requests per minute."""
        return self.requests * MINUTE_S / self.window_s

    @property
    def shown(self) -> str:
        """Requests per minute as a number for a person, at least 1."""
        return f"{max(round(self.per_minute), 1)}"

    @property
    def padded_s(self) -> float:
        """The window with its margin."""
        return padded(self.window_s)


@dataclass(slots=True)
class _Refusal:
    """The time from a refusal to the next accepted call.

    Attributes
    ----------
    since_s
        When the first call was refused.
    steps
        When calls may be sent next, with the window that would explain that one is accepted then; None for none.
    again
        Number of further refusals that asked for a wait.
    tried
        Whether the refused call was sent to find out if the server accepts more.
    asked
        Whether the server asked for a wait.
    may_drain, drains
        Whether too many calls at once may be the reason, and whether it is tried as soon as none is in flight,
        because one was accepted that was in flight at the refusal.
    """

    since_s: float
    steps: deque[tuple[float, float | None]]
    again: int = 0
    tried: bool = False
    asked: bool = False
    may_drain: bool = False
    drains: bool = False


@dataclass(slots=True)
class LearnedRate:
    """Learns how many requests a server accepts per window from the calls that it refuses. Not thread-safe.

    After a refusal one call at a time is sent, first after a second, then when the calls of the last minute
    are a minute old. How long the refusals last gives the window, and the calls accepted in it
    before give the number. A window that may be too long is tried once at a third of its length.

    Attributes
    ----------
    limit
        What was learned; None before that.
    """

    limit: LearnedLimit | None = None
    _calls: CallHistory = field(default_factory=CallHistory)
    _refusal: _Refusal | None = None
    _refuted_s: float = 0.0
    """Longest window known to be too short."""
    _most: int = 0
    """Requests of the limit before it was lowered."""
    _changed_s: float = 0.0
    _raised: bool = False
    """Whether the limit was raised since the last refusal."""
    _windows: int = _FEWEST_WINDOWS
    """Windows without a refusal after which a lowered limit is raised."""

    def refused_s(self, now: float) -> float:
        """Return for how many seconds every call has been refused; 0 while calls are accepted."""
        return 0.0 if self._refusal is None else now - self._refusal.since_s

    def next_s(self, now: float) -> float:
        """Return the seconds until a call is sent again after a refusal; 0 while calls are accepted."""
        return 0.0 if self._refusal is None else max(self._refusal.steps[0][0] - now, 0.0)

    def wait_s(self, now: float, requests: int) -> float:
        """Return the seconds until a call may be sent, or until it is worth asking again; 0 for now."""
        if self._refusal is not None:
            # Calls that started before the refusal, and the one that is tried, show more when they end.
            return _POLL_S if self._calls.in_flight else self._resumes_s(self._refusal, now)
        if self.limit is None:
            return 0.0
        self._raise(self.limit, now)
        return self._room_s(self.limit, now) if self._is_full(now, requests) else 0.0

    def _resumes_s(self, refusal: _Refusal, now: float) -> float:
        """Return the seconds until a call is tried after a refusal; 0 for now."""
        if refusal.drains:
            refusal.drains = False
            refusal.steps.appendleft((now, None))
        return max(refusal.steps[0][0] - now, 0.0)

    def _room_s(self, limit: LearnedLimit, now: float) -> float:
        """Return the seconds until the window has room for another call, or a shorter one may be tried; 0 for now."""
        if any(call.tries for call in self._calls.in_flight):
            return _POLL_S
        oldest = self._calls.used(now - limit.padded_s)[0].end_s
        tries_at = oldest + padded(limit.window_s / _SHORTER)
        if not self._is_open(limit):
            tries_at = now
        elif tries_at <= now < oldest + limit.window_s / 2 and not self._calls.in_flight:
            return 0.0
        return min(
            (at - now for at in (oldest + limit.padded_s, tries_at) if now < at < float("inf")),
            default=_POLL_S,
        )

    def start(self, now: float, requests: int) -> SentCall:
        """Return a call that starts now, after `wait_s` returned 0."""
        tries = self._refusal is not None or self._is_full(now, requests)
        return self._calls.start(now, requests, tries=tries)

    def drop(self, call: SentCall) -> None:
        """Forget a call that was not sent, or of which nothing is known."""
        self._calls.drop(call)

    def accept(self, call: SentCall, now: float) -> None:
        """Learn from a call that the server did not refuse."""
        self._calls.end(call, now)
        if call.tries and self._refusal is not None:
            self._learn(self._refusal)
        elif self._refusal is not None:
            self._refusal.drains = self._refusal.may_drain
        elif call.tries and self.limit is not None:
            self._shorten(call, self.limit)
        self._calls.accept(call)

    def refuse(self, call: SentCall, now: float, asked_s: float | None, unit_s: float | None) -> None:
        """Learn from a refusal for the rate.

        Parameters
        ----------
        call, now
            The refused call, and its end.
        asked_s
            Seconds that the server asks to wait; None where it does not say.
        unit_s
            The window of the limit as the server names it (a second, a minute); None where it does not.
        """
        self.drop(call)
        if self._refusal is None:
            steps = deque(self._steps(call, now, asked_s, unit_s))
            crowded = call.crowded and asked_s is None and unit_s is None and self.limit is None
            self._refusal = _Refusal(
                now, steps, tried=call.tries, asked=asked_s is not None, may_drain=crowded
            )
            self._note_refusal(now)
        elif call.tries:
            if self._calls.accepted:
                self._refuted_s = max(self._refuted_s, call.start_s - self._calls.accepted[-1].end_s)
            self._next_step(self._refusal, now, asked_s)

    def _note_refusal(self, now: float) -> None:
        """Remember when the limit last proved too high, and raise it more rarely if that was after a raise."""
        if self._raised:
            self._windows = min(2 * self._windows, _MOST_WINDOWS)
        self._changed_s, self._raised = now, False

    def _next_step(self, refusal: _Refusal, now: float, asked_s: float | None) -> None:
        """Plan the next call after another refusal."""
        if asked_s is not None:
            refusal.again += 1
            # A server that asks for no wait each time is called less and less often.
            least = min(0.05 * 2.0**refusal.again, MINUTE_S) if refusal.again > 1 else 0.0
            at = now + max(asked_s, least)
            window = self._calls.window_of(at, refusal.since_s)
            if window is not None and least > asked_s:
                window = min(window, MINUTE_S)
            refusal.steps = deque([(at, window)])
            return
        _, window = refusal.steps.popleft()
        while refusal.steps and refusal.steps[0][0] < now:
            _, window = refusal.steps.popleft()
        if not refusal.steps:
            refusal.steps.append((now + MINUTE_S, window))

    def _steps(
        self, call: SentCall, now: float, asked_s: float | None, unit_s: float | None
    ) -> Iterator[tuple[float, float | None]]:
        """Yield when to send a call again, and the window that explains its acceptance."""
        if asked_s is not None:
            yield now + asked_s, self._calls.window_of(now + asked_s, now)
            return
        if not (self._calls.accepted or self._calls.in_flight):
            yield from ((now + wait, None) for wait in (*_UNKNOWN_WAITS_S, MINUTE_S))
            return
        windows: list[float] = []
        if self.limit is not None:
            window = self.limit.window_s
            if call.tries:
                self._refuted_s = max(self._refuted_s, call.start_s - self._filled_since())
            else:
                yield now + min(_FIRST_WAIT_S, window), window
            while window < MINUTE_S:
                windows.append(window)
                window *= _SHORTER
            windows.append(max(MINUTE_S, self.limit.window_s))
        else:
            if not (unit_s == MINUTE_S or self._calls.contradict(_FIRST_WAIT_S, now)):
                yield now + _FIRST_WAIT_S, _FIRST_WAIT_S
            if unit_s is None and sum(one.requests for one in self._calls.used(now - MINUTE_S)) < _FEW:
                yield from ((now + wait, wait) for wait in _UNKNOWN_WAITS_S[1:])
            windows.append(MINUTE_S)
        for window in windows:
            yield max(self._calls.leaves(now, window), now + min(_FIRST_WAIT_S, window)), window

    def _learn(self, refusal: _Refusal) -> None:
        """End a refusal with an accepted call, and learn the limit that its length shows."""
        self._refusal = None
        window = refusal.steps[0][1]
        if window is None:
            return
        before = [
            call.requests
            for call in self._calls.accepted
            if call.start_s <= refusal.since_s and call.end_s > refusal.since_s - window
        ]
        requests = max(sum(before), 1)
        if refusal.asked:
            self._refuted_s = max(self._refuted_s, window)
        if self.limit is None or window != self.limit.window_s:
            if self.limit is not None and self.limit.window_s < window:  # it only seemed long enough
                self._refuted_s = max(self._refuted_s, self.limit.window_s)
            self._most = requests
            self._set(requests, window)
        elif requests < self.limit.requests:  # other clients use the rest
            self._set(requests, window)
        elif not refusal.tried:
            self._slow_down(self.limit)

    def _slow_down(self, limit: LearnedLimit) -> None:
        """Lower a limit that was too high although it was kept to."""
        if limit.requests > 1:
            self._set(limit.requests - max(limit.requests // 10, 1), limit.window_s)
        else:
            self._refuted_s = max(self._refuted_s, limit.window_s)
            self._set(1, limit.window_s * 1.25)

    def _shorten(self, call: SentCall, limit: LearnedLimit) -> None:
        """Shorten the window after a call that it would not have allowed was accepted."""
        window = call.start_s - self._filled_since()
        if window < limit.window_s:
            self._set(limit.requests, window)

    def _raise(self, limit: LearnedLimit, now: float) -> None:
        """Raise a number that a refusal lowered: other clients of the account may use less now."""
        if limit.requests < self._most and now - self._changed_s > self._windows * limit.padded_s:
            self._changed_s, self._raised = now, True
            more = max(1, limit.requests // 8)
            self._set(min(limit.requests + more, self._most), limit.window_s)

    def _set(self, requests: int, window: float) -> None:
        self._most = max(self._most, requests)
        self.limit = None if window < _SHORTEST_S else LearnedLimit(requests, window)

    def _is_full(self, now: float, requests: int) -> bool:
        if self.limit is None:
            return False
        used = self._calls.used(now - self.limit.padded_s)
        return bool(used) and sum(call.requests for call in used) + requests > self.limit.requests

    def _filled_since(self) -> float:
        """Return the end of the oldest of the last calls that fill the window."""
        return self._calls.oldest_end(self.limit.requests if self.limit else 1)

    def _is_open(self, limit: LearnedLimit) -> bool:
        """Return whether a much shorter window is possible."""
        return limit.window_s / _SHORTER > 1.2 * self._refuted_s
