"""The live cascade: its calls to the stages, its usage and its failures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.checked import Backend, request
from support.experiments import api, config_for

from evalkit.config import CascadeSettings
from evalkit.errors import CallError
from evalkit.records import Usage
from evalkit.rerankers import open_reranker
from evalkit.rerankers.cascade import Cascade


def cascade(first: Backend, second: Backend, **blocks: dict[str, Any]) -> Cascade:
    """Return a cascade that passes on three documents, over two open backends."""
    stages = [{"reranker": "a", "keep": 3}, {"reranker": "b"}]
    rerankers = {"a": api(), "b": api(), "both": {"backend": "cascade", "stages": stages}, **blocks}
    settings = config_for(rerankers, depths=[6], retriever={"depth": 6}).rerankers["both"]
    assert isinstance(settings, CascadeSettings)
    return Cascade(settings, [first, second])


def test_a_later_stage_is_sent_the_kept_documents_alone() -> None:
    """In calls of at most its batch size; the first stage gets all documents."""
    first, second = Backend(), Backend()
    cascade(first, second, a=api(batch_size=4), b=api(batch_size=2)).score(request())
    assert [one.doc_ids for one in first.asked] == [("0", "1", "2", "3"), ("4", "5")]
    scores = {
        doc: score for one in first.asked for doc, score in zip(one.doc_ids, first.answer(one), strict=True)
    }
    best = tuple(sorted(scores, key=scores.__getitem__, reverse=True)[:3])
    assert [one.doc_ids for one in second.asked] == [best[:2], best[2:]]
    assert [len(one.documents) for one in second.asked] == [2, 1]


def test_tokens_are_summed_unless_a_stage_reports_none() -> None:
    """Unknown stays unknown."""
    known = cascade(Backend(usage=Usage(5)), Backend(usage=Usage(7))).score(request())
    assert known.usage.tokens == 12
    unknown = cascade(Backend(usage=Usage(5)), Backend()).score(request())
    assert unknown.usage.tokens is None


@pytest.mark.parametrize("scores", [[1.0], [1.0, np.nan, 2.0], [1.0, 2.0, np.inf]])
def test_a_stage_without_a_score_for_a_document_fails_the_query(scores: list[float]) -> None:
    """A failure is never a score, and never a rank."""
    with pytest.raises(CallError, match="query 'q0': a stage returned no finite score"):
        cascade(Backend(), Backend(lambda _: scores)).score(request())


def test_stages_are_opened_from_their_settings() -> None:
    """As ``evalkit serve`` does; nothing but order and ranks is returned."""
    stages = [{"reranker": "small", "keep": 2}, {"reranker": "large"}]
    rerankers = {
        "small": {"backend": "lexical"},
        "large": {"backend": "lexical", "mu": 10.0},
        "both": {"backend": "cascade", "stages": stages},
    }
    opened = open_reranker(config_for(rerankers).rerankers["both"])
    response = opened.score(request())
    assert (opened.pointwise, opened.score_kind) == (False, "rank")
    assert response.order is not None
    assert sorted(response.order.tolist()) == list(range(6))
    assert response.scores.max() == 1.0
    opened.close()


def test_a_served_stage_is_opened_in_this_process() -> None:
    """A block with ``serve:`` names the backend that computes the scores."""
    served = {"backend": "http", "dialect": "assisters", "model": "m", "serve": {"backend": "lexical"}}
    stages = [{"reranker": "a", "keep": 2}, {"reranker": "b"}]
    rerankers = {
        "a": served,
        "b": {"backend": "lexical"},
        "both": {"backend": "cascade", "stages": stages},
    }
    opened = open_reranker(config_for(rerankers).rerankers["both"])
    assert len(opened.score(request()).scores) == 6
