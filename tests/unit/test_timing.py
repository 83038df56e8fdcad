"""The latency pass: what is timed, in which order, and what is said of it."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from evalkit.config import LatencySettings
from evalkit.datasets import load_dataset
from evalkit.records import Dataset, RerankRequest, RerankResponse, Run, ScoreKind
from evalkit.reranking import Arm
from evalkit.timing import measure, plan_cells, summarise_calls


class Steady:
    """A reranker that takes no time."""

    pointwise = True
    score_kind: ScoreKind = "unknown"

    def score(self, request: RerankRequest) -> RerankResponse:
        """Return zeros."""
        return RerankResponse(np.zeros(len(request.documents)))

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture(scope="module")
def demo() -> Dataset:
    """Return the demo collection."""
    return load_dataset("demo")


@pytest.fixture(scope="module")
def candidates(demo: Dataset) -> Run:
    """Return three candidates for every query."""
    rows = [(q.query_id, d) for q in demo.queries for d in demo.corpus.doc_ids[:3]]
    return Run.from_rows("t", [q for q, _ in rows], [d for _, d in rows], [1.0] * len(rows))


def test_every_call_of_a_cell_has_a_query_of_its_own(demo: Dataset, candidates: Run) -> None:
    """Warm-up and timed calls of a cell never share a query, and no query is timed twice."""
    settings = LatencySettings(batch_sizes=(1, 5), calls=40, warmup=4)
    for cell in plan_cells(settings, ["a", "b"], demo, candidates, 1):
        queries = [b.request.query_id for b in (*cell.warmup, *itertools.chain(*cell.rounds))]
        assert len(queries) == len(set(queries)) == 44
        assert len(cell.rounds) == 6
        assert max(map(len, cell.rounds)) - min(map(len, cell.rounds)) <= 1


def test_batches_are_filled_and_say_so(demo: Dataset, candidates: Run) -> None:
    """A batch larger than a candidate list holds other documents of the collection, each once, and counts them."""
    settings = LatencySettings(batch_sizes=(2, 10), calls=6)
    for cell in plan_cells(settings, ["a"], demo, candidates, 1):
        for item in itertools.chain(*cell.rounds):
            ids = item.request.doc_ids
            assert len(ids) == len(set(ids)) == cell.batch_size
            assert item.filled == max(0, cell.batch_size - 3)
            assert ids[:2] == candidates.docs(item.request.query_id)[:2]


def test_a_batch_is_never_larger_than_the_collection(demo: Dataset, candidates: Run) -> None:
    """Sizes beyond the collection are one cell with the whole collection, so that no query is timed twice in it."""
    (cell,) = plan_cells(LatencySettings(batch_sizes=(9998, 9999), calls=1), ["a"], demo, candidates, 1)
    assert cell.batch_size == len(demo.corpus)
    assert {len(b.request.documents) for b in cell.warmup} == {len(demo.corpus)}


def test_all_arms_are_timed_on_the_same_batches_in_interleaved_rounds(demo: Dataset, candidates: Run) -> None:
    """In every round every cell is visited once; both arms get the same queries; warm-up comes first."""
    settings = LatencySettings(batch_sizes=(1, 2), calls=12, warmup=2)
    cells = plan_cells(settings, ["a", "b"], demo, candidates, 5)
    ticks = itertools.count(0.0, 1.0)
    calls = [
        o.call
        for o in measure(cells, [Arm("a", Steady()), Arm("b", Steady())], "demo", 5, lambda: next(ticks))
    ]
    assert [c.pass_ for c in calls[:8]] == ["warmup"] * 8
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


def test_failed_calls_have_no_latency() -> None:
    """A failed call is counted and enters no quantile."""
    seconds = np.array([0.1] * 10 + [99.0])
    summary = summarise_calls(seconds, seconds < 1, np.zeros(11, dtype=np.int64), 0.95)
    assert (summary.calls, summary.failed, summary.max_s) == (11, 1, 0.1)
    assert summary.quantiles[0.5].estimate == pytest.approx(0.1)
    assert summary.quantiles[0.95].estimate is None
