"""The latency pass: what is timed, in which order, under which load, and what is kept of it."""

from __future__ import annotations

import itertools
import time
from collections import Counter

import numpy as np
import pytest
from support.timed import Kept, Scripted, ScriptedClock, batches

from evalkit.config import LatencySettings, OfflineSettings, ServerSettings
from evalkit.datasets import load_dataset
from evalkit.latency import (
    LatencyCell,
    Loads,
    Spans,
    Workload,
    call_key,
    measure,
    measure_arrivals,
    plan_arrivals,
    plan_cells,
    rates_by_round,
    without_finished,
)
from evalkit.latency.workloads import MOST_WARMUP, has_settled
from evalkit.records import Dataset, RerankRequest, RerankResponse, Run
from evalkit.reranking import OpenLoop, RerankerSession


@pytest.fixture(scope="module")
def demo() -> Dataset:
    """Return the demo collection."""
    return load_dataset("demo")


@pytest.fixture(scope="module")
def candidates(demo: Dataset) -> Run:
    """Return three candidates for every query."""
    rows = [(q.query_id, d) for q in demo.queries for d in demo.corpus.doc_ids[:3]]
    return Run.from_rows("t", [q for q, _ in rows], [d for _, d in rows], [1.0] * len(rows))


def cell(rounds: int = 6, calls: int = 12, flight: int | None = 1, rate: float | None = None) -> LatencyCell:
    """Return a cell of one-document batches."""
    made = batches(calls + 5)
    parts = np.array_split(np.arange(5, calls + 5), rounds)
    timed = tuple(tuple(made[i] for i in part) for part in parts)
    return LatencyCell("r", Workload(1, flight, None, rate), max(5, flight or 5), made[:5], timed)


def test_every_call_of_a_cell_has_a_query_of_its_own(demo: Dataset, candidates: Run) -> None:
    """Warm-up and timed calls of a cell never share a query, and no query is timed twice."""
    settings = LatencySettings(batch_sizes=(1, 5), calls=40, warmup=4)
    for one in plan_cells(settings, ["a", "b"], demo, candidates, 1):
        queries = [b.request.query_id for b in (*one.warmup, *itertools.chain(*one.rounds))]
        assert len(queries) == len(set(queries)) == 40 + MOST_WARMUP
        assert len(one.rounds) == 6
        assert max(map(len, one.rounds)) - min(map(len, one.rounds)) <= 1


def test_repeated_queries_come_in_other_rounds(demo: Dataset, candidates: Run) -> None:
    """Where queries may repeat there are as many calls as asked for, and none comes twice in a round."""
    settings = LatencySettings(batch_sizes=(2,), calls=400, repeat_queries=True)
    (one,) = plan_cells(settings, ["a"], demo, candidates, 1)
    assert one.calls == 400
    for items in one.rounds:
        queries = [b.request.query_id for b in items]
        assert len(queries) == len(set(queries))
    timed = {b.request.query_id for items in one.rounds for b in items}
    assert not timed & {b.request.query_id for b in one.warmup}


def test_batches_are_filled_and_say_so(demo: Dataset, candidates: Run) -> None:
    """A batch larger than a candidate list holds other documents of the collection, each once, and counts them."""
    settings = LatencySettings(batch_sizes=(2, 10), calls=6)
    for one in plan_cells(settings, ["a"], demo, candidates, 1):
        for item in itertools.chain(*one.rounds):
            ids = item.request.doc_ids
            assert len(ids) == len(set(ids)) == one.load.batch_size
            assert item.filled == max(0, one.load.batch_size - 3)
            assert ids[:2] == candidates.docs(item.request.query_id)[:2]


def test_a_batch_is_never_larger_than_the_collection(demo: Dataset, candidates: Run) -> None:
    """Sizes beyond the collection are one cell with the whole collection, so that no query is timed twice in it."""
    (one,) = plan_cells(LatencySettings(batch_sizes=(9998, 9999), calls=1), ["a"], demo, candidates, 1)
    assert one.load.batch_size == len(demo.corpus)
    assert {len(b.request.documents) for b in one.warmup} == {len(demo.corpus)}


def test_length_buckets_hold_documents_of_like_length(demo: Dataset, candidates: Run) -> None:
    """Beside the grid over documents as they come stands one for each bucket, of ever longer documents."""
    settings = LatencySettings(batch_sizes=(5,), calls=20, length_buckets=3)
    found = {one.load.length_bucket: one for one in plan_cells(settings, ["a"], demo, candidates, 1)}
    assert list(found) == [None, 1, 2, 3]
    lengths = {
        bucket: [len(text) for items in one.rounds for b in items for text in b.request.documents]
        for bucket, one in found.items()
    }
    assert max(lengths[1]) <= min(lengths[2])
    assert max(lengths[2]) <= min(lengths[3])


def test_all_arms_are_timed_on_the_same_batches_in_interleaved_rounds(demo: Dataset, candidates: Run) -> None:
    """In every round every cell is visited once; both arms get the same queries; warm-up comes first."""
    settings = LatencySettings(batch_sizes=(1, 2), calls=12, warmup=3)
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


def test_what_is_done_is_not_timed_again(demo: Dataset, candidates: Run) -> None:
    """A pass that is taken up makes exactly the calls that are missing, and warms up only where some are."""
    settings = LatencySettings(batch_sizes=(1, 2), calls=12, warmup=3)
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


def test_latencies_that_differ_by_nature_settle_too() -> None:
    """Where documents differ in length, warming up ends when the last five calls are no faster than those before."""
    uneven = [1.0, 2.0, 0.5, 1.7, 0.9] * 2
    assert has_settled(uneven)
    assert not has_settled(uneven[:9])
    assert not has_settled([5.0, 7.0, 6.0, 9.0, 5.5, 1.0, 1.4, 0.8, 2.0, 1.1])


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


def test_a_load_is_laid_out_from_the_slowest_rate(demo: Dataset, candidates: Run) -> None:
    """One cell a rate, ascending, of the largest batch; connections enough for what will be out at once."""
    settings = LatencySettings(batch_sizes=(1, 5), server=ServerSettings(calls=30))
    cells = plan_arrivals(settings, Loads("a", (9.0, 3.0), 0.5), demo, candidates, 1)
    assert [one.load for one in cells] == [Workload(5, None, None, 3.0), Workload(5, None, None, 9.0)]
    assert [one.least_warmup for one in cells] == [5, 11]
    assert [one.calls for one in cells] == [30, 30]


def test_capacity_adds_calls_in_flight_to_one_batch_size(demo: Dataset, candidates: Run) -> None:
    """Capacity is measured at the largest batch, beside what the grid times anyway; a share of it asks for it."""
    for block in ({"offline": OfflineSettings()}, {"server": ServerSettings()}):
        settings = LatencySettings(batch_sizes=(1, 5), calls=12, **block)  # type: ignore[arg-type]
        loads = [one.load for one in plan_cells(settings, ["a"], demo, candidates, 1)]
        assert loads == [Workload(1, 1), *(Workload(5, flight) for flight in (1, 2, 4, 8))]
    fixed = LatencySettings(batch_sizes=(1,), server=ServerSettings(rates_per_s=(1.0,)))
    assert [one.load for one in plan_cells(fixed, ["a"], demo, candidates, 1)] == [Workload(1, 1)]


def test_throughput_knows_no_ramps() -> None:
    """Calls that take 2 s, three in flight, are 1.5 a second in every round, however few a round has."""
    starts = np.concatenate([np.arange(7) * 2 / 3 + 100 * number for number in range(3)])
    calls = Spans(starts, starts + 2, np.ones(21, dtype=bool), np.repeat(np.arange(3), 7))
    assert rates_by_round(calls, np.ones(21)) == pytest.approx([1.5] * 3)
    assert rates_by_round(calls, np.full(21, 10.0)) == pytest.approx([15.0] * 3)
    failed = Spans(starts, starts + 2, np.arange(21) < 1, calls.round)
    assert len(rates_by_round(failed, np.ones(21))) == 0


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
