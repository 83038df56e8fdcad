"""What the times of calls show of a window."""

from __future__ import annotations

from itertools import pairwise

from evalkit.reranking.call_history import MINUTE_S, CallHistory, padded


def history(ends: list[float]) -> CallHistory:
    """Return a history with calls that started half a second before their end."""
    calls = CallHistory()
    for end in ends:
        call = calls.start(end - 0.5, 1, tries=False)
        calls.end(call, end)
        calls.accept(call)
    return calls


def test_accepted_calls_are_kept_for_two_minutes() -> None:
    """In the order of their ends."""
    calls = history([float(second) for second in range(0, 500, 7)])
    ends = [call.end_s for call in calls.accepted]
    assert all(earlier < later for earlier, later in pairwise(ends))
    assert ends[-1] - ends[0] <= 2 * MINUTE_S < ends[-1] - ends[0] + 7


def test_a_call_in_flight_is_in_every_window() -> None:
    """An accepted one is in those that reach back to its end; a dropped one is in none."""
    calls = history([1.0, 2.0, 3.0])
    running = calls.start(3.5, 1, tries=False)
    assert [call.end_s for call in calls.used(1.5)] == [2.0, 3.0, float("inf")]
    assert calls.used(9.0) == [running]
    calls.drop(running)
    assert calls.used(9.0) == []


def test_calls_are_crowded_if_others_are_in_flight() -> None:
    """Both the earlier and the later of two calls that overlap, and no call alone."""
    calls = history([1.0])
    first, second = (calls.start(at, 1, tries=False) for at in (2.0, 2.1))
    assert (first.crowded, second.crowded) == (True, True)
    assert not calls.accepted[0].crowded


def test_the_window_has_room_when_its_oldest_call_has_left_it() -> None:
    """With a margin; without a call in the window there is room after a whole one."""
    calls = history([1.0, 2.0, 3.0])
    assert calls.leaves(3.0, 1.5) == 2.0 + padded(1.5)
    assert calls.leaves(60.0, 1.5) == 60.0 + padded(1.5)


def test_a_busier_window_in_the_past_contradicts_a_limit() -> None:
    """Three calls within a second were accepted before, so one call of the last second is not the limit."""
    calls = history([1.0, 1.3, 1.6, 5.0])
    assert calls.contradict(1.0, 5.5)
    assert not history([1.0, 3.0, 5.0]).contradict(1.0, 5.5)
