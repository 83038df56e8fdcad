"""Scores of batches put together again."""

from __future__ import annotations

import pytest
from support.scripted import CONTEXT, Scoring

from evalkit.errors import CallError
from evalkit.records import Dataset, RerankRequest, Run
from evalkit.reranking import Caps, RerankerSession, Sender, assemble, batch


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("size", [1, 2, None])
def test_assembled_scores_do_not_depend_on_batches_or_threads(
    tiny: Dataset, candidates: Run, concurrency: int, size: int | None
) -> None:
    """However calls are cut and whenever they complete, every candidate has its own score in its own place."""
    reranker = Scoring(lambda r: [float(d[1]) for d in r.doc_ids])
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

    with Sender(RerankerSession("r", Scoring(answer)), 1) as sender:
        outcomes = list(sender.send(batch(candidates, tiny, Caps(1), pointwise=True), CONTEXT))
    scored = assemble(outcomes, candidates, "r")
    assert scored.failed == ("q1",)
    assert set(scored.query_ids) == {"q2"}
    assert assemble(outcomes[:1], candidates, "r").failed == ("q1", "q2"), (
        "a query never asked has failed, too"
    )
