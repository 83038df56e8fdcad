"""What is learned from refusals, against servers with limits of every kind, by a clock of their own."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

import pytest

from evalkit.reranking.call_history import SentCall
from evalkit.reranking.learned_rates import LearnedRate


class Server(Protocol):
    """Accepts a call or refuses it."""

    def accepts(self, now: float, in_flight: int) -> bool:
        """Return whether a call is accepted."""


@dataclass
class Sliding:
    """Accepts some calls in any window."""

    calls: int
    window_s: float
    counts_refused: bool = False
    stamps: deque[float] = field(default_factory=deque)

    def accepts(self, now: float, in_flight: int) -> bool:  # noqa: ARG002 - one form for all
        """Count the calls of the last window."""
        while self.stamps and self.stamps[0] <= now - self.window_s:
            self.stamps.popleft()
        accepted = len(self.stamps) < self.calls
        if accepted or self.counts_refused:
            self.stamps.append(now)
        return accepted


@dataclass
class Calendar:
    """Accepts some calls in each minute of a clock that is ahead of ours."""

    calls: int
    window_s: float
    ahead_s: float
    window: int = -1
    used: int = 0

    def accepts(self, now: float, in_flight: int) -> bool:  # noqa: ARG002 - one form for all
        """Count the calls of this minute."""
        window = int((now + self.ahead_s) // self.window_s)
        if window != self.window:
            self.window, self.used = window, 0
        self.used += 1
        return self.used <= self.calls


@dataclass
class Bucket:
    """Holds some tokens and gets new ones at a rate; a call takes one."""

    most: int
    per_s: float
    tokens: float = -1.0
    at: float = 0.0

    def accepts(self, now: float, in_flight: int) -> bool:  # noqa: ARG002 - one form for all
        """Take a token."""
        tokens = self.most if self.tokens < 0 else self.tokens
        self.tokens, self.at = min(self.most, tokens + (now - self.at) * self.per_s), now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class AtOnce:
    """Accepts some calls at once."""

    calls: int

    def accepts(self, now: float, in_flight: int) -> bool:  # noqa: ARG002 - one form for all
        """Count the calls in flight."""
        return in_flight < self.calls


@dataclass
class Shared(Sliding):
    """A limit that another client uses, too: a call every few seconds."""

    every_s: float = 6.0
    next_s: float = 0.0

    def accepts(self, now: float, in_flight: int) -> bool:
        """Count the other client's calls as well."""
        while self.next_s <= now:
            super().accepts(self.next_s, 0)
            self.next_s += self.every_s
        return super().accepts(now, in_flight)


@dataclass
class Made:
    """What a simulated client did."""

    seconds: float = 0.0
    refused: int = 0
    per_minute: float | None = None
    longest_wait_s: float = 0.0
    accepted: list[float] = field(default_factory=list)


@dataclass
class Client:
    """Makes calls from several threads, one at first, that halve their number after a refusal as a session does."""

    server: Server
    calls: int
    threads: int = 1
    latency_s: float = 0.05
    asked_s: Callable[[float], float] | None = None
    unit_s: float | None = None
    rate: LearnedRate = field(default_factory=LearnedRate)
    made: Made = field(default_factory=Made)
    allowed: float = 0.0
    in_flight: int = 0

    def run(self) -> Made:
        """Make all calls."""
        self.allowed = 1.0
        order = count()
        events: list[tuple[float, int, SentCall | None, bool]] = [
            (0.0, next(order), None, True) for _ in range(self.threads)
        ]
        waiting = self.calls
        while len(self.made.accepted) < self.calls:
            now, _, call, accepted = heapq.heappop(events)
            assert now < 100_000, "the client waits for ever"
            if call is None and not waiting:
                continue
            if call is not None:
                self._end(call, now, accepted=accepted)
                waiting += not accepted
            elif (wait := self._wait(now)) > 0:
                heapq.heappush(events, (now + wait, next(order), None, True))
                continue
            else:
                waiting -= 1
                call = self.rate.start(now, 1)
                accepted = self.server.accepts(now, self.in_flight)
                self.in_flight += 1
                end = now + (self.latency_s if accepted else self.latency_s / 5)
                heapq.heappush(events, (end, next(order), call, accepted))
                continue
            heapq.heappush(events, (now, next(order), None, True))
        self.made.seconds = self.made.accepted[-1]
        self.made.per_minute = self.rate.limit.per_minute if self.rate.limit else None
        return self.made

    def _wait(self, now: float) -> float:
        return 0.02 if self.in_flight >= int(self.allowed) else self.rate.wait_s(now, 1)

    def _end(self, call: SentCall, now: float, *, accepted: bool) -> None:
        self.in_flight -= 1
        if accepted:
            self.rate.accept(call, now)
            self.made.accepted.append(now)
            self.allowed = min(self.allowed + 1 / self.allowed, self.threads)
        else:
            self.rate.refuse(call, now, self.asked_s(now) if self.asked_s else None, self.unit_s)
            self.made.refused += 1
            self.allowed = max(1.0, self.allowed / 2)


THREADS = pytest.mark.parametrize("threads", [1, 4, 8])


@THREADS
@pytest.mark.parametrize(
    ("server", "best_s"),
    [(lambda: Sliding(10, 60), 180), (lambda: Calendar(10, 60, 35), 145), (lambda: Calendar(10, 60, 5), 175)],
    ids=["sliding", "calendar", "another calendar"],
)
def test_ten_calls_a_minute_are_learned_from_few_refusals(
    server: Callable[[], Server], best_s: float, threads: int
) -> None:
    """Those in flight at once, one a second later, and one that tries a shorter window: then none."""
    made = Client(server(), 36, threads).run()
    assert made.refused <= (3 if threads == 1 else 7)
    assert made.seconds <= 1.3 * best_s
    assert made.per_minute == pytest.approx(10)
    longer = Client(server(), 300, threads).run()
    assert longer.refused == made.refused
    assert longer.seconds <= 29 * 60 * 1.03 + 60


def test_a_named_minute_saves_the_refusal_after_a_second() -> None:
    """A message with "per minute" says how long the window is; it is tried once whether it is shorter."""
    assert Client(Sliding(10, 60), 36, unit_s=60.0).run().refused == 2


@THREADS
@pytest.mark.parametrize(
    ("server", "best_s"),
    [(lambda: Sliding(5, 1), 59), (lambda: Calendar(5, 1, 0.3), 59), (lambda: Bucket(1, 1), 299),
     (lambda: Bucket(5, 1), 295), (lambda: Sliding(20, 1), 15)],
    ids=["5 a second", "5 in a calendar second", "bucket of 1", "bucket of 5", "20 a second"],
)  # fmt: skip
def test_a_limit_per_second_is_no_limit_per_minute(
    server: Callable[[], Server], best_s: float, threads: int
) -> None:
    """No wait of a minute: the time is near the best possible one, and refusals stay few."""
    made = Client(server(), 300, threads).run()
    assert made.seconds <= 1.2 * best_s + 2
    assert made.refused <= 20


@pytest.mark.parametrize("window_s", [10.0, 15.0, 20.0])
def test_a_window_that_is_much_shorter_than_a_minute_is_found(window_s: float) -> None:
    """After the first minute, with a call that a minute would not have allowed; from then on it is used."""
    made = Client(Sliding(10, window_s), 300).run()
    assert made.seconds <= 60 + 2.1 * 29 * window_s
    assert made.refused <= 5


def test_a_window_is_never_longer_than_three_times_the_right_one() -> None:
    """Of any length."""
    for window_s in (2.0, 3.0, 5.0, 8.0, 12.0, 25.0, 30.0, 45.0):
        made = Client(Sliding(10, window_s), 200).run()
        assert made.seconds <= 60 + 3.1 * 19 * window_s
        assert made.refused <= 8


@THREADS
def test_a_bucket_is_drawn_at_the_rate_at_which_it_fills(threads: int) -> None:
    """Ten at once, then one in six seconds: the same rate as ten a minute."""
    made = Client(Bucket(10, 1 / 6), 300, threads).run()
    assert made.seconds <= 1.05 * 290 * 6
    assert made.refused <= 35


@THREADS
def test_too_many_calls_at_once_teach_no_rate(threads: int) -> None:
    """A server that takes two calls at once is not slowed down: fewer calls at once are the remedy."""
    made = Client(AtOnce(2), 300, threads).run()
    assert made.per_minute is None
    assert made.seconds <= 2 * 300 * 0.05 / min(threads, 2)


def test_others_may_use_a_part_of_the_limit() -> None:
    """The rest of the limit is used, without a refusal for every window."""
    made = Client(Shared(20, 60), 300, latency_s=0.7).run()
    assert made.seconds <= 1.1 * (300 / 10) * 60
    assert made.refused <= 20


def test_a_server_that_counts_refused_calls_is_not_called_without_end() -> None:
    """The refusals cost a part of the limit, not more."""
    made = Client(Sliding(10, 60, counts_refused=True), 300).run()
    assert made.seconds <= 1.15 * 29 * 60
    assert made.refused <= 15


@THREADS
def test_a_wait_that_the_server_asks_for_is_kept(threads: int) -> None:
    """One refusal of a burst is enough: the wait shows the window, and the calls before it the number."""
    server = Sliding(10, 60)
    made = Client(server, 60, threads, asked_s=lambda now: server.stamps[0] + 60 - now).run()
    assert made.refused <= 2 * threads
    assert made.seconds <= 1.05 * 300 + 5


def test_a_server_that_asks_for_no_wait_is_still_left_alone() -> None:
    """`Retry-After: 0` from a server that goes on refusing: the waits grow."""
    made = Client(Sliding(10, 60), 36, asked_s=lambda _now: 0.0).run()
    assert made.refused <= 20
    assert made.seconds <= 260


def test_every_refusal_shows_for_how_long_all_calls_are_refused() -> None:
    """From the first refusal to the next accepted call; the calls between are few."""
    rate, now = LearnedRate(), 0.0
    times = []
    while now < 300:
        now += max(rate.wait_s(now, 1), 0.0)
        call = rate.start(now, 1)
        rate.refuse(call, now, None, None)
        times.append(now)
        assert rate.refused_s(now) == pytest.approx(now - times[0])
    assert len(times) <= 10
    call = rate.start(now, 1)
    rate.accept(call, now)
    assert rate.refused_s(now) == rate.next_s(now) == 0.0
    assert rate.limit is None, "others used up the limit: nothing is known of it"
