"""Batches, calls and assembling, with scripted rerankers and clocks."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import numpy as np
import pytest

from evalkit.datasets import load_dataset
from evalkit.errors import CallError, InputError
from evalkit.records import Dataset, RerankRequest, RerankResponse, Run, ScoreKind
from evalkit.reranking import (
    CallContext,
    Caps,
    RerankerSession,
    Sender,
    assemble,
    batch,
    make_call,
    scored_run,
)


class Scripted:
    """A reranker that does what a function says."""

    pointwise = True
    score_kind: ScoreKind = "unknown"

    def __init__(self, answer) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
        self._answer = answer

    def score(self, request: RerankRequest) -> RerankResponse:
        """Answer."""
        return RerankResponse(np.asarray(self._answer(request), dtype=np.float64))

    def close(self) -> None:
        """Do nothing."""


CONTEXT = CallContext("tiny", "r", "quality")


@pytest.fixture
def tiny(beir_folder: Path) -> Dataset:
    """Return the tiny collection."""
    return load_dataset({"source": "beir_folder", "path": str(beir_folder)})


@pytest.fixture
def candidates() -> Run:
    """Return candidates of two queries."""
    return Run.from_rows("bm25", ["q1"] * 3 + ["q2"] * 2, ["d1", "d2", "d5", "d3", "d4"], [3, 2, 1, 5, 4])


@pytest.mark.parametrize("size", [1, 2, 3, None])
def test_batches_cover_every_candidate_once(tiny: Dataset, candidates: Run, size: int | None) -> None:
    """However lists are cut, every candidate is sent once, in first-stage order, with its own text."""
    batches = list(batch(candidates, tiny, Caps(size), pointwise=True))
    assert max(len(b.request.documents) for b in batches) <= (size or 3)
    for query_id, docs, _ in candidates:
        sent = [d for b in batches if b.request.query_id == query_id for d in b.request.doc_ids]
        assert tuple(sent) == docs
    assert all(
        t == tiny.corpus.text(d)
        for b in batches
        for d, t in zip(b.request.doc_ids, b.request.documents, strict=True)
    )


def test_a_list_is_never_split_for_a_reranker_that_looks_at_it(tiny: Dataset, candidates: Run) -> None:
    """Splitting a list of a reranker that is not pointwise is refused."""
    with pytest.raises(InputError, match="looks at the whole list"):
        list(batch(candidates, tiny, Caps(2), pointwise=False))
    assert len(list(batch(candidates, tiny, Caps(3), pointwise=False))) == 2


def test_a_call_is_timed_by_the_given_clock(tiny: Dataset, candidates: Run) -> None:
    """A call's latency is the clock's difference around it and nothing else."""
    ticks = itertools.count(10.0, 0.25)
    first = next(batch(candidates, tiny, Caps(), pointwise=True))
    outcome = make_call(Scripted(lambda r: [1.0] * len(r.documents)), first, CONTEXT, lambda: next(ticks))
    assert (outcome.call.start_s, outcome.call.end_s, outcome.call.latency_s) == (10.0, 10.25, 0.25)
    assert outcome.call.status == "ok"


@pytest.mark.parametrize(
    ("answer", "said"),
    [([1.0], "3 documents were sent and 1 scores came back"), ([1, np.nan, 2], "document 1 has the score nan"),
     ([1, 2, np.inf], "document 2 has the score inf")],
)  # fmt: skip
def test_what_is_not_a_score_fails_the_call(
    tiny: Dataset, candidates: Run, answer: list[float], said: str
) -> None:
    """A backend of any kind that returns too few, NaN or infinite scores has failed, and the query is named."""
    first = next(batch(candidates, tiny, Caps(), pointwise=True))
    outcome = make_call(Scripted(lambda _: answer), first, CONTEXT)
    assert outcome.response is None
    assert outcome.failure is not None
    assert said in outcome.failure.message
    assert "'q1'" in outcome.failure.message
    assert outcome.call.status == "failed"


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("size", [1, 2, None])
def test_assembled_scores_do_not_depend_on_batches_or_threads(
    tiny: Dataset, candidates: Run, concurrency: int, size: int | None
) -> None:
    """However calls are cut and whenever they complete, every candidate has its own score in its own place."""
    reranker = Scripted(lambda r: [float(d[1]) for d in r.doc_ids])
    with Sender(RerankerSession("r", reranker), concurrency) as sender:
        outcomes = list(sender.send(batch(candidates, tiny, Caps(size), pointwise=True), CONTEXT))
    scored = assemble(outcomes[::-1], candidates, "r")
    assert scored.doc_ids == candidates.doc_ids
    assert scored.scores.tolist() == [1, 2, 5, 3, 4]
    assert scored.retriever_rank.tolist() == [1, 2, 3, 1, 2]
    assert scored.failed == ()


def test_one_failed_call_fails_its_query_and_no_other(tiny: Dataset, candidates: Run) -> None:
    """A query with one failed batch has no scores at all; the others keep theirs."""

    def answer(request: RerankRequest) -> list[float]:
        if "d2" in request.doc_ids:
            raise CallError("http", "no")
        return [1.0] * len(request.documents)

    with Sender(RerankerSession("r", Scripted(answer)), 1) as sender:
        outcomes = list(sender.send(batch(candidates, tiny, Caps(1), pointwise=True), CONTEXT))
    scored = assemble(outcomes, candidates, "r")
    assert scored.failed == ("q1",)
    assert set(scored.query_ids) == {"q2"}
    assert assemble(outcomes[:1], candidates, "r").failed == ("q1", "q2"), (
        "a query never asked has failed, too"
    )


def test_as_many_calls_are_in_flight_as_asked(tiny: Dataset, candidates: Run) -> None:
    """With concurrency 3, three calls are under way at once: each waits for the two others."""
    meeting = threading.Barrier(3, timeout=20)

    def answer(request: RerankRequest) -> list[float]:
        meeting.wait()
        return [1.0] * len(request.documents)

    three = candidates.cut(3)
    with Sender(RerankerSession("r", Scripted(answer)), 3) as sender:
        items = list(batch(three, tiny, Caps(1), pointwise=True))[:3]
        assert len(list(sender.send(items, CONTEXT))) == 3


def test_a_shallower_run_is_made_of_the_first_candidates() -> None:
    """A run at depth d reorders exactly the first d candidates by their scores."""
    columns = {
        "query_id": np.array(["q"] * 4, dtype=object),
        "doc_id": np.array(["a", "b", "c", "d"], dtype=object),
        "retriever_rank": np.array([1, 2, 3, 4]),
        "score": np.array([0.1, 0.4, 0.2, 0.9]),
    }
    assert scored_run(columns, "r", 4).docs("q") == ("d", "b", "c", "a")
    assert scored_run(columns, "r", 2).docs("q") == ("b", "a")
