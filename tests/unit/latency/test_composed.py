"""Latency of a cascade from timed calls of its stages."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.latency.composed import StageCalls, compose


def stage(
    seconds: float, calls: int = 80, rounds: int = 8, step: float = 0.0, more: float = 0.0
) -> StageCalls:
    """Return calls that take longer by `step` from call to call, and by `more` from round to round."""
    number = np.arange(calls) // (calls // rounds)
    took = seconds + step * np.arange(calls) + more * number
    return StageCalls(took, number, np.array([f"q{i}" for i in range(calls)], dtype=object), np.zeros(calls))


def test_the_parts_are_added() -> None:
    """Every call of one stage to one of each other stage."""
    found = compose([stage(1.0), stage(0.25), stage(0.5)], None, 0.95)
    assert found.calls == 80
    assert found.quantiles[0.5].interval.estimate == pytest.approx(1.75)
    assert found.max_s == pytest.approx(1.75)


def test_only_calls_of_the_same_round_are_added() -> None:
    """A slow round is slow for both stages: the sums differ between rounds by the sum of both effects."""
    found = compose([stage(1.0, more=1.0), stage(1.0, more=2.0)], None, 0.95)
    assert found.max_s == pytest.approx(2.0 + 7 * 3.0)
    assert found.quantiles[0.5].interval.estimate == pytest.approx(2.0 + 3.5 * 3.0)


def test_no_call_is_used_twice() -> None:
    """The stage with fewer calls decides, in each round; a round without calls of a stage gives none."""
    later = stage(1.0, calls=40)
    assert compose([stage(1.0), later], None, 0.95).calls == 40
    first_rounds = StageCalls(later.seconds[:20], later.rounds[:20], later.query_ids[:20], np.zeros(20))
    assert compose([stage(1.0), first_rounds], None, 0.95).calls == 20


def test_queries_that_skip_take_the_first_stage_alone() -> None:
    """By the query of the call; a query of which it is unknown whether it skips is left out."""
    goes_on = {f"q{i}": i % 4 == 0 for i in range(60)}
    found = compose([stage(1.0), stage(9.0)], goes_on, 0.95)
    assert found.calls == 60
    assert found.quantiles[0.5].interval.estimate == 1.0
    assert found.quantiles[0.9].interval.estimate == 10.0


def test_too_few_sums_have_no_quantile() -> None:
    """A p95 takes 72 calls, whatever the stages have alone; unknown stays None."""
    found = compose([stage(1.0, calls=800), stage(1.0, calls=40)], None, 0.95)
    assert found.quantiles[0.5].interval.estimate is not None
    assert found.quantiles[0.95].interval.estimate is None
    empty = StageCalls(np.empty(0), np.empty(0, dtype=np.int64), np.empty(0, dtype=object), np.empty(0))
    assert compose([stage(1.0), empty], None, 0.95).quantiles[0.5].interval.estimate is None


def test_long_documents_are_added_to_long_documents() -> None:
    """By rank within the round; of a stage with more calls, short and long ones are taken alike."""
    seconds = np.arange(12.0)
    rounds, ids = np.zeros(12, dtype=np.int64), np.array([f"q{i}" for i in range(12)], dtype=object)
    up = StageCalls(seconds, rounds, ids, seconds)
    down = StageCalls(seconds, rounds, ids, -seconds)
    assert compose([up, up], None, 0.95).max_s == 22.0
    assert compose([up, down], None, 0.95).max_s == 11.0
    few = StageCalls(np.zeros(3), rounds[:3], ids[:3], np.arange(3.0))
    assert compose([up, few], dict.fromkeys(ids, True), 0.95).max_s == 11.0
    assert compose([up, few], None, 0.95).calls == 3
