"""Lists that are too large for a server, with scripted rerankers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support.scripted import CONTEXT, Scripted, item

from evalkit.errors import CallError, Remedy
from evalkit.records import RerankRequest, Usage
from evalkit.reranking import RerankerSession, RetryingCaller


def too_large_beyond(limit: int) -> Callable[[RerankRequest], Usage]:
    """Refuse longer lists for their size."""

    def answer(request: RerankRequest) -> Usage:
        if len(request.documents) > limit:
            raise CallError("http", "too large", http_status=413, remedy=Remedy(too_large=True))
        return Usage()

    return answer


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 7, 20])
def test_a_list_that_is_too_large_is_halved_until_it_fits(limit: int) -> None:
    """Every document is scored once, in its own place, and what was learned is kept to from then on."""
    reranker = Scripted(too_large_beyond(limit))
    session = RerankerSession("r", reranker)
    for number in range(2):
        outcomes = list(RetryingCaller(session).deliver(item(13), CONTEXT))
        scores = np.zeros(13)
        for outcome in outcomes:
            assert outcome.response is not None
            scores[np.array(outcome.batch.ranks) - 1] += outcome.response.scores
        assert scores.tolist() == list(range(1, 14))
        refused = [a for o in outcomes for a in o.attempts if a.call.status == "retried"]
        assert number == 0 or not refused, "the second list is cut beforehand"


def test_one_document_that_is_too_large_fails_alone() -> None:
    """Halving ends at single documents; with the one that does not fit the rest of its list is not sent.

    The size of its parts is no limit for the next list.
    """

    def answer(request: RerankRequest) -> Usage:
        if any(len(text) == 5 for text in request.documents):
            raise CallError("http", "too long", http_status=422, remedy=Remedy(too_large=True))
        return Usage()

    session = RerankerSession("r", Scripted(answer))
    outcomes = list(RetryingCaller(session).deliver(item(8), CONTEXT))
    failed = [o for o in outcomes if o.failure]
    assert [o.batch.request.documents[0] for o in failed] == ["xxxxx"]
    assert sum(len(o.batch.request.documents) for o in outcomes) == 8
    assert session.learned_documents is None


def test_a_list_that_is_looked_at_as_a_whole_is_never_halved() -> None:
    """A reranker that is not pointwise, and a timed call, fail instead."""
    whole, timed = Scripted(too_large_beyond(2), pointwise=False), Scripted(too_large_beyond(2))
    for reranker, splits in ((whole, True), (timed, False)):
        (outcome,) = RetryingCaller(RerankerSession("r", reranker), splits=splits).deliver(item(4), CONTEXT)
        assert outcome.failure is not None
        assert reranker.sizes == [4]
