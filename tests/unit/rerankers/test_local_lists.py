"""A local listwise model scores each list by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evalkit.encoding.torch_runtime.list_model import ScoredList
from evalkit.records import RerankRequest
from evalkit.rerankers.local_lists import LocalLists


class Ranks:
    """Scores a document by its place, counted from the end of its list."""

    def score(self, query: str, documents: Sequence[str]) -> ScoredList:
        """Return the scores of a list; its first document is cut."""
        count = len(documents)
        scores = np.arange(count, 0, -1, dtype=np.float64) + len(query)
        return ScoredList(scores, 10 * count, np.arange(count) == 0)

    def measure(self, query: str, document: str) -> tuple[int, bool]:
        """Return the characters of a pair."""
        return len(query) + len(document), len(document) > 3

    def facts(self) -> dict[str, Any]:
        """Return some facts."""
        return {"runtime": "a test"}


LISTS = LocalLists(Ranks())  # type: ignore[arg-type]


def request_of(query: str, count: int) -> RerankRequest:
    """Return a request for a list of `count` documents."""
    ids = tuple(map(str, range(count)))
    return RerankRequest("q", query, ids, ids)


def test_lists_are_not_joined() -> None:
    """Several requests are lists of their own, each with its tokens and cut texts."""
    first, second, empty = LISTS.score_many([request_of("a", 3), request_of("bb", 2), request_of("c", 0)])
    assert (first.scores.tolist(), second.scores.tolist(), empty.scores.tolist()) == ([4, 3, 2], [4, 3], [])
    assert (first.usage.tokens, second.usage.tokens) == (30, 20)
    assert first.truncated is not None
    assert first.truncated.tolist() == [True, False, False]


def test_a_pair_is_a_list_of_one() -> None:
    """Pairs are scored alone, even with the same query."""
    assert LISTS.score_pairs([("a", "x"), ("a", "y"), ("bb", "z")]).tolist() == [2, 2, 3]
    assert LISTS.score_pairs([]).tolist() == []


def test_pairs_are_measured_alone() -> None:
    """Tokens and cuts are counted for each pair."""
    tokens, cut = LISTS.measure([("a", "long text"), ("bb", "c")])
    assert (tokens.tolist(), cut.tolist()) == ([10, 3], [True, False])
    assert [one.tolist() for one in LISTS.measure([])] == [[], []]
    assert LISTS.facts() == {"runtime": "a test"}
