"""The latency pass: order, warm-up, calls in flight, arrivals, interruptions."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest
from support.timed import Kept, Scripted, ScriptedClock, batches

from evalkit.config import LatencySettings
from evalkit.latency import (
    LatencyCell,
    Workload,
    call_key,
    measure,
    measure_arrivals,
    plan_cells,
    without_finished,
)
from evalkit.latency.workloads import MOST_WARMUP
from evalkit.records import Dataset, RerankRequest, RerankResponse, Run
from evalkit.reranking import OpenLoop, RerankerSession


def test_all_arms_are_timed_on_the_same_batches_in_interleaved_rounds(demo: Dataset, candidates: Run) -> None:
    """In every round every cell is visited once; both arms get the same queries; warm-up comes first."""
    settings = LatencySettings(batch_sizes=(1, 2), calls=12, rounds=6, warmup=3)
    cells = plan_cells(settings, ["a", "b"], demo, candidates, 5)
    kept, clock = Kept(), ScriptedClock()
    sessions = [RerankerSession(tag, Scripted(clock, lambda *_: 1.0)) for tag in "ab"]
    measure(cells, sessions, "demo", 5, kept, clock)
    calls = [one.call for one in kept.outcomes]
    assert [c.pass_ for c in calls[:12]] == ["warmup"] * 12
    timed = [c for c in calls if c.pass_ == "latency"]
    assert [c.round for c in timed] == sorted(c.round for c in timed if c.round is not None)
    for number in range(6):
        visits = Counter((c.reranker, c.batch_size) for c in timed if c.round == number)
        assert set(visits.values()) == {2}
        assert len(visits) == 4
    of = {tag: sorted((c.batch_size, c.query_id) for c in timed if c.reranker == tag) for tag in "ab"}
    assert of["a"] == of["b"]
    orders = {tuple((c.reranker, c.batch_size) for c in timed if c.round == n)[::2] for n in range(6)}
    assert len(orders) > 1, "the order of cells changes from round to round"
    assert all(c.latency_s == 1.0 for c in timed)
    assert [state.round for state in kept.states] == list(range(6))
    assert all(state.reference_s > 0 for state in kept.states)


@pytest.mark.long
def test_what_is_done_is_not_timed_again(demo: Dataset, candidates: Run) -> None:
    """A pass that is taken up makes exactly the calls that are missing, and warms up only where some are."""
    settings = LatencySettings(batch_sizes=(1, 2), calls=12, rounds=6, warmup=3)
    cells = plan_cells(settings, ["a"], demo, candidates, 5)
    kept, clock = Kept(), ScriptedClock()
    session = RerankerSession("a", Scripted(clock, lambda *_: 1.0))
    measure(cells, [session], "demo", 5, kept, clock)
    calls = [one.call for one in kept.outcomes if one.call.pass_ == "latency"]
    done = {call_key(call) for call in calls if call.batch_size == 1 or (call.round or 0) < 2}
    first, second = without_finished(cells, done)
    assert (first.calls, first.warmup) == (0, ())
    assert [len(items) for items in second.rounds] == [0, 0, 2, 2, 2, 2]
    again = Kept()
    measure([first, second], [session], "demo", 5, again, clock)
    made = {call_key(one.call) for one in again.outcomes if one.call.pass_ == "latency"}
    assert made == {call_key(call) for call in calls} - done
    assert [state.round for state in again.states] == [2, 3, 4, 5]


def cell(rounds: int = 6, calls: int = 12, flight: int | None = 1, rate: float | None = None) -> LatencyCell:
    """Return a cell of one-document batches."""
    made = batches(calls + 5)
    parts = np.array_split(np.arange(5, calls + 5), rounds)
    timed = tuple(tuple(made[i] for i in part) for part in parts)
    return LatencyCell("r", Workload(1, flight, None, rate), max(5, flight or 5), made[:5], timed)


@pytest.mark.long
def test_warming_up_goes_on_until_latencies_settle() -> None:
    """A service that gets faster is called until three calls are alike; one that never settles, thirty times."""
    for takes, least, most in (
        (lambda number, _: 1.0 if number >= 8 else 20.0 / (number + 1), 11, 13),
        (lambda number, _: 0.8**number, MOST_WARMUP, MOST_WARMUP),
        (lambda *_: 1.0, 5, 7),
    ):
        kept, clock = Kept(), ScriptedClock()
        measure([cell()], [RerankerSession("r", Scripted(clock, takes))], "d", 0, kept, clock)
        assert least <= len(kept.blocks[0]) <= most


def test_timed_calls_meet_as_many_others_as_their_cell_says() -> None:
    """Before and after the timed calls of a round stand as many that do not count as there are others in flight."""
    kept, clock = Kept(), ScriptedClock()
    measure([cell(flight=4)], [RerankerSession("r", Scripted(clock, lambda *_: 0.001))], "d", 0, kept, clock)
    for block in kept.blocks[1:]:
        passes = Counter(one.call.pass_ for one in block)
        assert passes == {"warmup": 6, "latency": 2}
        assert {one.call.round for one in block} == {block[0].call.round}


def test_arrivals_keep_to_their_schedule() -> None:
    """Every call is due when a Poisson process says, whatever the others do, and waits count from there."""
    clock = ScriptedClock()
    session = RerankerSession("r", Scripted(clock, lambda *_: 0.3))
    kept = Kept()
    with OpenLoop(session, most=1, clock=clock, sleep=clock.sleep) as open_loop:
        made = measure_arrivals(cell(1, 200, None, 2.0), open_loop, "d", 7, kept)
    calls = [one.call for one in made]
    due = np.array([call.scheduled_s for call in calls])
    gaps = np.diff(due)
    assert gaps.mean() == pytest.approx(0.5, rel=0.2)
    assert gaps.std() == pytest.approx(0.5, rel=0.25), "exponential gaps vary as much as they are long"
    # One thread: a call begins when it is due, or when the one before it is back (Lindley's recursion).
    start = np.array([call.start_s for call in calls])
    expected = due.copy()
    for i in range(1, len(due)):
        expected[i] = max(due[i], expected[i - 1] + 0.3)
    assert start == pytest.approx(expected, abs=1e-9)
    assert {call.scenario for call in calls} == {"server"}
    assert all(call.concurrency is None and call.rate_per_s == 2.0 for call in calls)
    assert [one.call.pass_ for one in kept.blocks[0]] == ["warmup"]


def test_arrivals_do_not_wait_for_each_other() -> None:
    """While there are fewer calls out than allowed, none waits in this process: each has a thread."""

    class Slow(Scripted):
        """Takes 50 ms of real time."""

        def score(self, request: RerankRequest) -> RerankResponse:
            """Wait."""
            time.sleep(0.05)
            return super().score(request)

    session = RerankerSession("r", Slow(ScriptedClock(), lambda *_: 0.0))
    with OpenLoop(session) as open_loop:
        made = measure_arrivals(cell(1, 100, None, 400.0), open_loop, "d", 1, Kept())
    calls = sorted((one.call for one in made), key=lambda call: call.start_s)
    assert len(calls) == 100
    most = max(sum(a.start_s <= b.start_s < a.end_s for a in calls) for b in calls)
    assert most > 8, "calls overlapped"


def test_an_interrupted_block_does_not_count() -> None:
    """Calls of a block that was cut short are kept as calls that do not count: it is timed anew, without a pause."""

    class Interrupting(Scripted):
        """Is interrupted in the seventh timed call."""

        def score(self, request: RerankRequest) -> RerankResponse:
            """Answer, or be interrupted."""
            if request.query_id == "q11":
                raise KeyboardInterrupt
            return super().score(request)

    kept, clock = Kept(), ScriptedClock()
    with pytest.raises(KeyboardInterrupt):
        measure([cell(2)], [RerankerSession("r", Interrupting(clock, lambda *_: 1.0))], "d", 0, kept, clock)
    assert [len(block) for block in kept.blocks[1:]] == [6, 0]
    assert {one.call.pass_ for one in kept.blocks[1]} == {"latency"}
    kept = Kept()
    with pytest.raises(KeyboardInterrupt):
        measure([cell(1)], [RerankerSession("r", Interrupting(clock, lambda *_: 1.0))], "d", 0, kept, clock)
    assert {(one.call.pass_, one.call.round) for one in kept.blocks[1]} == {("warmup", 0)}
    assert len(kept.blocks[1]) == 6
