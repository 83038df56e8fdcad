"""The calls of the last minutes: which are in flight, which were accepted, and what their times show of a window."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

MINUTE_S = 60.0
"""The longest window of an ordinary limit."""
_MARGIN_S, _MARGIN = 0.02, 0.005
"""Added to every window, in seconds and as a share of it: the server measures time with a clock of its own."""
_MOST_KEPT = 20_000
"""Most calls that are remembered."""


@dataclass(slots=True, eq=False)
class SentCall:
    """A call that was sent.

    Attributes
    ----------
    start_s, end_s
        Seconds of the limiter's clock; `end_s` is infinite while the call is in flight.
    requests
        Number of requests that the server counts.
    tries
        Whether it is sent to find out if the server accepts calls again, or accepts more.
    crowded
        Whether others were in flight.
    """

    start_s: float
    requests: int
    tries: bool = False
    crowded: bool = False
    end_s: float = float("inf")


@dataclass(slots=True)
class CallHistory:
    """The calls that a limit may count. Not thread-safe.

    Attributes
    ----------
    accepted
        The accepted calls of the last two minutes, the oldest end first.
    in_flight
        The calls that have not ended.
    """

    accepted: deque[SentCall] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))
    in_flight: list[SentCall] = field(default_factory=list)

    def start(self, now: float, requests: int, *, tries: bool) -> SentCall:
        """Return a call that starts now; see `SentCall`."""
        call = SentCall(now, requests, tries, crowded=bool(self.in_flight))
        for other in self.in_flight:
            other.crowded = True
        self.in_flight.append(call)
        return call

    def drop(self, call: SentCall) -> None:
        """Forget a call in flight."""
        if call in self.in_flight:
            self.in_flight.remove(call)

    def end(self, call: SentCall, now: float) -> None:
        """Note that a call ended now."""
        self.drop(call)
        call.end_s = now

    def accept(self, call: SentCall) -> None:
        """Add a call that ended to the accepted ones, and forget those of more than two minutes before."""
        self.accepted.append(call)
        while self.accepted[0].end_s < call.end_s - 2 * MINUTE_S:
            self.accepted.popleft()

    def used(self, since: float) -> list[SentCall]:
        """Return the calls that are in flight or ended after a time, the oldest end first."""
        recent: list[SentCall] = []
        for call in reversed(self.accepted):
            if call.end_s <= since:
                break
            recent.append(call)
        return [*reversed(recent), *self.in_flight]

    def oldest_end(self, requests: int) -> float:
        """Return the end of the oldest of the last calls that have as many requests; 0 if none was accepted."""
        total = 0
        for call in reversed(self.accepted):
            total += call.requests
            if total >= requests:
                return call.end_s
        return self.accepted[0].end_s if self.accepted else 0.0

    def leaves(self, now: float, window: float) -> float:
        """Return when the oldest accepted call of a window has left it."""
        oldest = next((call.end_s for call in self.accepted if call.end_s > now - window), now)
        return oldest + padded(window)

    def window_of(self, at: float, since: float) -> float | None:
        """Return the window that ends at a time for the oldest call of the minute before another; None without one."""
        oldest = next((call.start_s for call in self.accepted if call.end_s > since - MINUTE_S), None)
        return None if oldest is None else at - oldest

    def contradict(self, window: float, now: float) -> bool:
        """Return whether a window of this length had more accepted calls before than it has now."""
        ends = [call.end_s for call in self.accepted]
        count = sum(end > now - window for end in ends)
        return any(
            later - earlier < window - 2 * _MARGIN_S
            for earlier, later in zip(ends, ends[count:], strict=False)
        )


def padded(window: float) -> float:
    """Return a window with its margin, in seconds."""
    return window * (1 + _MARGIN) + _MARGIN_S
