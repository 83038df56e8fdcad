"""Answers of windows: their sums, and unfinished calls."""

from __future__ import annotations

import numpy as np

from evalkit.records import RerankResponse, ServerTime, Timeline, Usage
from evalkit.rerankers.answers import (
    MOST_UNFINISHED,
    Answer,
    UnfinishedCalls,
    end_to_end,
    joined,
    total_times,
    total_usage,
)
from evalkit.rerankers.permutations import Permutation


def answer(start_s: float, usage: Usage, *times: ServerTime) -> Answer:
    """Return an answer whose stations are 1, 2 and 4 seconds apart."""
    line = Timeline(start_s, start_s + 1, start_s + 3, start_s + 7)
    return Answer(Permutation((0,), 1), usage, times, "m", False, None, line)


def test_windows_add_up_and_what_one_does_not_tell_is_unknown() -> None:
    """Tokens, times and stations are sums; a gap between two windows is in none of them."""
    work = ServerTime("x", 0.5, "request")
    both = [
        answer(0.0, Usage(tokens=5, output_tokens=2, cost_usd=0.25), work),
        answer(100.0, Usage(tokens=7), work),
    ]
    assert total_usage(both) == Usage(tokens=12)
    assert total_usage(both[:1]) == both[0].usage
    assert total_times(both) == (ServerTime("x", 1.0, "request"),)
    assert total_times([*both, answer(0.0, Usage())]) == ()
    assert end_to_end(both) == Timeline(93.0, 95.0, 99.0, 107.0)
    assert end_to_end(both[:1]) == both[0].timeline


def test_unfinished_calls_are_kept_by_name_and_not_without_end() -> None:
    """Answers come back once, to the call they are of; the oldest go first, and nameless calls keep nothing."""
    unfinished = UnfinishedCalls()
    one = [answer(0.0, Usage())]
    unfinished.keep("", one)
    unfinished.keep("a", one)
    assert unfinished.take("") == unfinished.take("b") == []
    assert unfinished.take("a") is one
    assert unfinished.take("a") == []
    for number in range(MOST_UNFINISHED + 1):
        unfinished.keep(f"call {number}", one)
    assert unfinished.take("call 0") == []
    assert unfinished.take("call 1") is one


def test_requests_one_after_the_other_are_one_call() -> None:
    """Scores follow each other, amounts and times are sums, and one response is left as it is."""
    lines = [Timeline(start, start + 1, start + 3, start + 7) for start in (0.0, 100.0)]
    parts = [
        RerankResponse(
            np.array([0.25 + place]), usage=Usage(tokens=5 + place), model=f"m{place}", conn_reused=bool(place),
            timeline=line, harness_delay_s=0.5, http_status=200,
        )
        for place, line in enumerate(lines)
    ]  # fmt: skip
    both = joined(parts)
    assert both.scores.tolist() == [0.25, 1.25]
    assert (both.usage, both.model, both.conn_reused) == (Usage(tokens=11), "m1", False)
    assert (both.timeline, both.harness_delay_s) == (Timeline(93.0, 95.0, 99.0, 107.0), 1.0)
    assert joined(parts[:1]) is parts[0]
