"""Which calls are timed: cells, rounds, batches, loads."""

from __future__ import annotations

import itertools
from dataclasses import replace

from evalkit.config import LatencySettings, OfflineSettings, ServerSettings
from evalkit.latency import Loads, Workload, plan_arrivals, plan_cells
from evalkit.latency.workloads import MOST_WARMUP, has_settled
from evalkit.records import Dataset, Run


def test_every_call_of_a_cell_has_a_query_of_its_own(demo: Dataset, candidates: Run) -> None:
    """Warm-up and timed calls of a cell never share a query, and no query is timed twice."""
    settings = LatencySettings(batch_sizes=(1, 5), calls=40, warmup=4)
    for one in plan_cells(settings, ["a", "b"], demo, candidates, 1):
        queries = [b.request.query_id for b in (*one.warmup, *itertools.chain(*one.rounds))]
        assert len(queries) == len(set(queries)) == 40 + MOST_WARMUP
        assert len(one.rounds) == settings.rounds
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


def test_latencies_that_differ_by_nature_settle_too() -> None:
    """Where documents differ in length, warming up ends when the last five calls are no faster than those before."""
    uneven = [1.0, 2.0, 0.5, 1.7, 0.9] * 2
    assert has_settled(uneven)
    assert not has_settled(uneven[:9])
    assert not has_settled([5.0, 7.0, 6.0, 9.0, 5.5, 1.0, 1.4, 0.8, 2.0, 1.1])


def test_a_load_is_laid_out_from_the_slowest_rate(demo: Dataset, candidates: Run) -> None:
    """One cell a rate, ascending, of the largest batch; connections enough for what will be out at once."""
    settings = LatencySettings(batch_sizes=(1, 5), server=ServerSettings(calls=30))
    cells = plan_arrivals(settings, Loads("a", (9.0, 3.0), 0.5), demo, candidates, 1)
    assert [one.load for one in cells] == [Workload(5, None, None, 3.0), Workload(5, None, None, 9.0)]
    assert [one.least_warmup for one in cells] == [5, 11]
    assert [one.calls for one in cells] == [30, 30]


def test_capacity_adds_calls_in_flight_to_one_batch_size(demo: Dataset, candidates: Run) -> None:
    """Capacity is measured at the largest batch, with what the grid times anyway; a share of it asks for it."""
    for block in ({"offline": OfflineSettings()}, {"server": ServerSettings()}):
        settings = LatencySettings(batch_sizes=(1, 5), calls=12, **block)  # type: ignore[arg-type]
        loads = [one.load for one in plan_cells(settings, ["a"], demo, candidates, 1)]
        assert loads == [Workload(1, 1), *(Workload(5, flight) for flight in (1, 2, 4, 8))]
    fixed = LatencySettings(batch_sizes=(1,), server=ServerSettings(rates_per_s=(1.0,)))
    assert [one.load for one in plan_cells(fixed, ["a"], demo, candidates, 1)] == [Workload(1, 1)]


def test_a_batch_is_never_filled_with_a_document_that_its_query_excludes(
    demo: Dataset, candidates: Run
) -> None:
    """Sizes are limited to what is left for every query."""
    some = frozenset(demo.corpus.doc_ids[:100])
    barred = replace(demo, excluded={query.query_id: some for query in demo.queries})
    settings = LatencySettings(batch_sizes=(20, 9999), calls=3)
    cells = plan_cells(settings, ["a"], barred, candidates.without(barred.excluded), 1)
    assert {one.load.batch_size for one in cells} == {20, len(demo.corpus) - 100}
    for one in cells:
        for item in itertools.chain(one.warmup, *one.rounds):
            assert not some & set(item.request.doc_ids)
            assert len(item.request.doc_ids) == one.load.batch_size
