"""Limits per minute, pauses, and calls in flight, with a scripted clock."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from evalkit.reranking.rate_limits import ConcurrencyLimiter, RateLimiter


def test_a_call_of_several_requests_counts_as_several() -> None:
    """Limits per minute are those of requests: two calls of four fit under ten, and a third waits."""
    now = [0.0]
    pace = RateLimiter(10, None, lambda: now[0])
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    for _ in range(3):
        pace.wait_turn(0, sleep, 4)
    assert waits == [60.0]


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def sent_at(rate_limiter: RateLimiter, clock: Clock, tokens: Iterable[float]) -> list[float]:
    """Return when each request may go."""
    times = []
    for count in tokens:
        rate_limiter.wait_turn(count, clock.sleep)
        times.append(clock.now)
    return times


@pytest.mark.parametrize(("requests", "tokens"), [(3, None), (None, 100), (5, 100), (1, 1)])
def test_no_window_of_a_minute_holds_more_than_the_limit(requests: int | None, tokens: int | None) -> None:
    """Over every minute, requests and tokens stay within the limits; a larger request goes alone."""
    clock = Clock()
    rng = np.random.default_rng(1)
    sizes = rng.integers(1, 60, 40).tolist()
    times = sent_at(RateLimiter(requests, tokens, clock), clock, sizes)
    for start in times:
        window = [n for t, n in zip(times, sizes, strict=True) if start <= t < start + 60]
        assert requests is None or len(window) <= requests
        assert tokens is None or sum(window) <= tokens or len(window) == 1


def test_without_limits_nothing_waits_and_a_pause_stops_all() -> None:
    """No limit, no wait; a pause that a server asked for holds for every request."""
    clock = Clock()
    rate_limiter = RateLimiter(clock=clock)
    assert sent_at(rate_limiter, clock, [1] * 100) == [0.0] * 100
    rate_limiter.pause(5)
    rate_limiter.pause(2)
    assert sent_at(rate_limiter, clock, [1, 1]) == [5.0, 5.0]


def test_fewer_calls_are_in_flight_after_refusals_and_more_after_successes() -> None:
    """Refusals of one burst halve the number once, down to 1; successes give it back, never beyond the start."""
    limiter = ConcurrencyLimiter(8)
    burst = [limiter.enter() for _ in range(8)]
    for ticket in burst:
        limiter.leave(ticket, throttled=True)
    assert limiter.allowed == 4
    for _ in range(5):
        limiter.leave(limiter.enter(), throttled=True)
    assert limiter.allowed == limiter.lowest == 1
    seen = []
    for _ in range(60):
        limiter.leave(limiter.enter(), throttled=False)
        seen.append(limiter.allowed)
    assert seen == sorted(seen)
    assert max(seen) == 8
    fixed = ConcurrencyLimiter(8, adaptive=False)
    fixed.leave(fixed.enter(), throttled=True)
    assert fixed.allowed == 8


def test_the_number_of_calls_in_flight_may_begin_small() -> None:
    """One more after as many successes as calls are allowed; from eight on one more after each success."""
    limiter = ConcurrencyLimiter(12, first=1)
    seen = []
    for _ in range(34):
        limiter.leave(limiter.enter(), throttled=False)
        seen.append(limiter.allowed)
    assert seen[:7] == [2, 2, 3, 3, 3, 4, 4]
    assert seen[27:32] == [8, 9, 10, 11, 12]
    assert seen[-1] == limiter.lowest == 12


def test_a_call_with_a_time_of_its_own_is_not_delayed_by_what_was_learned() -> None:
    """Its wait would count as latency: only configured limits hold it back, and it teaches nothing."""
    clock = Clock()
    rate_limiter = RateLimiter(clock=clock)
    rate_limiter.accept(rate_limiter.wait_turn(0, clock.sleep))
    rate_limiter.refuse(rate_limiter.wait_turn(0, clock.sleep))
    assert rate_limiter.next_s() == 1.0
    rate_limiter.wait_turn(0, clock.sleep, scheduled=True)
    assert clock.now == 0.0
    rate_limiter.wait_turn(0, clock.sleep)
    assert clock.now == 1.0
