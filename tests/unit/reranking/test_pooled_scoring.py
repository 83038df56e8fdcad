"""Batches of many queries scored as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalkit.distributed import LocalPool
from evalkit.errors import CallError
from evalkit.records import RerankRequest, RerankResponse, ScoreKind
from evalkit.reranking import Batch, CallContext, RerankerSession, groups, send_pooled

CONTEXT = CallContext("tiny", "r", "quality")


class Lengths:
    """A pooled reranker: a document's score is its length; it chokes on documents called poison."""

    pointwise = True
    score_kind: ScoreKind = "unknown"
    pool_pairs = 4

    def __init__(self) -> None:
        self.asked: list[int] = []

    def score(self, request: RerankRequest) -> RerankResponse:
        """Score one."""
        return self.score_many([request])[0]

    def score_many(self, requests: Sequence[RerankRequest]) -> list[RerankResponse]:
        """Score many."""
        self.asked.append(len(requests))
        if any("poison" in request.documents for request in requests):
            raise CallError("memory", "it chokes")
        return [
            RerankResponse(
                np.array([len(text) for text in request.documents], dtype=np.float64),
                truncated=np.array([len(text) > 3 for text in request.documents]),
            )
            for request in requests
        ]

    def close(self) -> None:
        """Do nothing."""


def batches(*lists: Sequence[str]) -> list[Batch]:
    """Return a batch for each list of texts."""
    return [
        Batch(RerankRequest(f"q{i}", "query", tuple(texts), tuple(map(str, range(len(texts))))), ranks=(1,))
        for i, texts in enumerate(lists)
    ]


@given(st.lists(st.lists(st.just("d"), min_size=1, max_size=6), max_size=12), st.integers(1, 20))
def test_pools_keep_batches_whole_and_in_order(lists: list[list[str]], pairs: int) -> None:
    """Pools hold every batch once, in order; all but the last are large enough, and none is larger than need be."""
    items = batches(*lists)
    found = list(groups(items, pairs))
    assert [item for group in found for item in group] == items
    sizes = [[len(item.request.documents) for item in group] for group in found]
    assert all(sum(size) >= pairs for size in sizes[:-1])
    assert all(sum(size[:-1]) < pairs for size in sizes)


def test_outcomes_are_those_of_single_calls() -> None:
    """Scores, documents and cuts stand with the batch they belong to, whatever it was pooled with."""
    reranker = Lengths()
    items = batches(["a", "abcd"], ["abc"], ["abcde", "ab"], ["a"])
    outcomes = list(send_pooled(RerankerSession("r", reranker), items, CONTEXT, LocalPool(reranker)))
    assert reranker.asked == [3, 1]
    assert [outcome.batch for outcome in outcomes] == items
    assert [o.response.scores.tolist() for o in outcomes if o.response] == [[1, 4], [3], [5, 2], [1]]
    assert [o.call.truncated_documents for o in outcomes] == [1, 0, 1, 0]
    assert [o.call.concurrency for o in outcomes] == [3, 3, 3, 1]


def test_what_is_wrong_with_one_query_costs_no_other() -> None:
    """A pool that cannot be scored is scored batch by batch: the poisoned one fails, the others do not."""
    reranker = Lengths()
    items = batches(["a"], ["poison"], ["abc", "b"])
    outcomes = list(send_pooled(RerankerSession("r", reranker), items, CONTEXT, LocalPool(reranker)))
    assert [outcome.failure is None for outcome in outcomes] == [True, False, True]
    assert outcomes[2].response is not None
    assert outcomes[2].response.scores.tolist() == [3, 1]
