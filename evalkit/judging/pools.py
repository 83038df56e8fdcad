"""The documents to judge for each query: those that systems under comparison rank above a cutoff."""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from evalkit.records import Corpus, Run

Pool = Mapping[str, tuple[str, ...]]
"""Query id -> its documents, each once, in an order that depends on their ids alone."""


@dataclass(frozen=True, slots=True, eq=False)
class RankedSystem:
    """A system whose ranked lists are judged.

    Attributes
    ----------
    name
        Its tag.
    depth
        Candidates per query that it reranked; None for a run with candidates of its own.
    run
        Its ranked lists, with the candidates below the depth where these are kept.
    scored
        The part of `run` that has scores of the system.
    """

    name: str
    depth: int | None
    run: Run
    scored: Run


def pool_of(systems: Iterable[RankedSystem], cutoff: int, query_ids: Iterable[str], corpus: Corpus) -> Pool:
    """Return the documents of each query that any system ranks within a cutoff.

    Parameters
    ----------
    systems
        The systems, each at every depth.
    cutoff
        Number of ranks.
    query_ids
        The queries, in the order of the result; those without a document are left out.
    corpus
        The texts: a document without one cannot be judged, and is left out.
    """
    runs = [system.run.cut(cutoff) for system in systems]
    found = {}
    for query_id in query_ids:
        docs = {doc_id for run in runs for doc_id in run.docs(query_id) if doc_id in corpus}
        if docs:
            found[query_id] = tuple(sorted(docs))
    return found


def candidate_pool(systems: Iterable[RankedSystem], query_ids: Iterable[str], corpus: Corpus) -> Pool:
    """Return all candidates of each query that any system scored: those of a threshold on scores.

    Runs with candidates of their own have no scores to tune.
    """
    scored = [replace(system, run=system.scored) for system in systems if system.depth is not None]
    longest = max((len(docs) for system in scored for _, docs, _ in system.run), default=0)
    return pool_of(scored, longest, query_ids, corpus)


def depth_pool(
    systems: Sequence[RankedSystem], first_stages: Collection[str], cutoff: int, corpus: Corpus
) -> Pool:
    """Return the documents of each query that any reranker ranks within a cutoff at any depth.

    Parameters
    ----------
    systems
        All systems, each at every depth.
    first_stages
        Names of those among them that are first stages.
    cutoff
        Number of ranks.
    corpus
        See `pool_of`.
    """
    deepest = {
        one.name: one for one in sorted(systems, key=lambda one: one.depth or 0) if one.depth is not None
    }
    found: dict[str, set[str]] = {}
    for first in (deepest[name] for name in first_stages if name in deepest):
        for system in deepest.values():
            for query_id, docs in docs_at_any_depth(first.run, system.scored, cutoff, system.depth or 1):
                found.setdefault(query_id, set()).update(doc_id for doc_id in docs if doc_id in corpus)
    return {query_id: tuple(sorted(docs)) for query_id, docs in found.items() if docs}


def docs_at_any_depth(
    first_stage: Run, reranked: Run, cutoff: int, deepest: int
) -> Iterator[tuple[str, list[str]]]:
    """Yield each query with the documents within a cutoff at any depth from 0 (no reranking) to `deepest`.

    A candidate has its best place at the depth that just reaches it: at greater depths others can only pass it, and at
    smaller ones it has its rank in the first stage at best, which is no better.

    Parameters
    ----------
    first_stage, reranked
        All candidates, and those with scores of a pointwise reranker.
    cutoff, deepest
        Number of ranks that count, and of candidates at most.
    """
    for query_id, docs, _ in first_stage.cut(deepest):
        order = {doc_id: place for place, doc_id in enumerate(reranked.docs(query_id))}
        best: list[int] = []  # the first places of the candidates so far
        found = []
        for rank, doc_id in enumerate(docs):
            place = order.get(doc_id)
            if place is not None:
                insort(best, place)
                del best[cutoff:]
            if rank < cutoff or place in best:
                found.append(doc_id)
        yield query_id, found
