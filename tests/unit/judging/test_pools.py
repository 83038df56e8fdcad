"""The documents to judge."""

from __future__ import annotations

import numpy as np

from evalkit.judging.pools import RankedSystem, candidate_pool, depth_pool, docs_at_any_depth, pool_of
from evalkit.records import Corpus, Run

CORPUS = Corpus(("a", "b", "c", "d"), ("A", "B", "C", "D"))


def system(name: str, depth: int | None, **lists: str) -> RankedSystem:
    """Return a system with lists of one-letter documents, best first."""
    rows = [(query, doc, -float(rank)) for query, docs in lists.items() for rank, doc in enumerate(docs)]
    queries, docs, scores = zip(*rows, strict=True)
    run = Run.from_rows(name, queries, docs, scores)
    return RankedSystem(name, depth, run, run)


def test_a_pool_is_the_union_within_the_cutoff() -> None:
    """Each document once, of every system at every depth; deeper ranks do not count."""
    systems = [system("x", 2, q="abcd"), system("x", 4, q="bacd"), system("y", None, q="cda", r="d")]
    assert pool_of(systems, 1, ["q", "r"], CORPUS) == {"q": ("a", "b", "c"), "r": ("d",)}
    assert pool_of(systems, 9, ["r", "q"], CORPUS) == {"r": ("d",), "q": ("a", "b", "c", "d")}


def test_a_pool_has_texts_and_queries_of_the_dataset_only() -> None:
    """A document without a text cannot be judged; a query without documents is left out."""
    systems = [system("x", None, q="az", other="a")]
    assert pool_of(systems, 5, ["q", "empty"], CORPUS) == {"q": ("a",)}


def test_a_pool_of_depths_has_what_any_depth_ranks_within_the_cutoff() -> None:
    """The same documents as reranking every number of candidates in turn, from none to all."""
    rng = np.random.default_rng(2)
    docs = [f"d{n}" for n in range(30)]
    for _ in range(20):
        first = Run.from_rows("first", ["q"] * 30, docs, -np.arange(30.0))
        scores = dict(zip(docs, rng.normal(size=30).tolist(), strict=True))
        whole = Run.from_rows("r", ["q"] * 30, docs, list(scores.values()))
        found = set(docs[:5])
        for depth in range(1, 31):
            found.update(sorted(docs[:depth], key=lambda doc: -scores[doc])[:5])
        assert {query: set(pool) for query, pool in docs_at_any_depth(first, whole, 5, 30)} == {"q": found}


def test_pools_of_depths_and_of_thresholds_are_of_candidates() -> None:
    """Every candidate for a threshold; runs with candidates of their own, and texts that are missing, have no part."""
    first, reranked = system("first", 4, q="abcd"), system("r", 4, q="dcba")
    own = system("own", None, q="z", r="a")
    systems = [first, reranked, system("r", 2, q="ba"), own]
    assert candidate_pool(systems, ["q", "r"], CORPUS) == {"q": ("a", "b", "c", "d")}
    assert depth_pool(systems, {"first"}, 1, CORPUS) == {"q": ("a", "b", "c", "d")}
    assert depth_pool([first, system("r", 4, q="abdc")], {"first"}, 1, CORPUS) == {"q": ("a",)}
