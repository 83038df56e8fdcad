"""Outcomes to scored candidates, and scored candidates to a run at any depth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.records import Run
from evalkit.reranking.outcomes import Outcome


@dataclass(frozen=True, slots=True, eq=False)
class ScoredCandidates:
    """Candidates in first-stage order with the scores a reranker gave them.

    Attributes
    ----------
    tag
        Tag of the reranker.
    query_ids, doc_ids, retriever_rank, scores
        ``(r,)`` columns; ranks count from 1.
    list_rank
        ``(r,)`` place in the backend's own list of the call, from 1; None where it gives none.
    failed
        Queries without scores because a call failed. They have no rows.
    missing
        Documents a backend had no score for and placed last by its own rule.
    """

    tag: str
    query_ids: tuple[str, ...]
    doc_ids: tuple[str, ...]
    retriever_rank: NDArray[np.int64]
    scores: NDArray[np.float64]
    list_rank: tuple[int | None, ...]
    failed: tuple[str, ...]
    missing: int


@dataclass(slots=True, eq=False)
class Row:
    """The scores of one query's list, known and new.

    Attributes
    ----------
    scores
        ``(n,)`` by rank; NaN where there is none yet.
    list_rank
        ``(n,)`` place in the backend's own list of the call.
    """

    scores: NDArray[np.float64]
    list_rank: list[int | None]

    @classmethod
    def empty(cls, documents: int) -> Row:
        """Return a row without a score."""
        return cls(np.full(documents, np.nan), [None] * documents)

    @property
    def known_ranks(self) -> frozenset[int]:
        """Ranks that have a score."""
        return frozenset((np.flatnonzero(~np.isnan(self.scores)) + 1).tolist())

    def take(self, outcome: Outcome) -> None:
        """Put the scores of a batch in their places; those of a failed one make the row incomplete."""
        places = np.array(outcome.batch.ranks) - 1
        if outcome.response is None:
            self.scores[places] = np.nan
            return
        self.scores[places] = outcome.response.scores
        for place, rank in zip(places.tolist(), list_ranks_of(outcome), strict=True):
            self.list_rank[place] = rank


def assemble(
    outcomes: Iterable[Outcome], candidates: Run, tag: str, known: Mapping[str, Row] | None = None
) -> ScoredCandidates:
    """Put scores back in first-stage order; one failed call fails its whole query.

    Queries that were never asked (an interrupted pass) count as failed, too.

    Parameters
    ----------
    outcomes
        Of the batches that were sent.
    candidates
        The lists.
    tag
        Tag of the reranker.
    known
        Query -> scores that did not have to be asked for.
    """
    rows = {query_id: (known or {}).get(query_id) or Row.empty(len(docs)) for query_id, docs, _ in candidates}
    missing: Counter[str] = Counter()
    for outcome in outcomes:
        query_id = outcome.batch.request.query_id
        rows[query_id].take(outcome)
        missing[query_id] += outcome.response.missing if outcome.response else 0
    query_ids: list[str] = []
    doc_ids: list[str] = []
    ranks: list[int] = []
    scores: list[NDArray[np.float64]] = []
    list_rank: list[int | None] = []
    failed: list[str] = []
    for query_id, docs, _ in candidates:
        row = rows[query_id]
        if np.isnan(row.scores).any():
            failed.append(query_id)
            missing.pop(query_id, None)
            continue
        list_rank += row.list_rank
        query_ids += [query_id] * len(docs)
        doc_ids += docs
        ranks += range(1, len(docs) + 1)
        scores.append(row.scores)
    return ScoredCandidates(
        tag,
        tuple(query_ids),
        tuple(doc_ids),
        np.array(ranks, dtype=np.int64),
        np.concatenate(scores) if scores else np.empty(0),
        tuple(list_rank),
        tuple(failed),
        missing.total(),
    )


def list_ranks_of(outcome: Outcome) -> list[int | None]:
    """Return the place of each document of a batch in the backend's own list, from 1."""
    ranks: list[int | None] = [None] * len(outcome.batch.ranks)
    if outcome.response is not None and outcome.response.order is not None:
        for rank, index in enumerate(outcome.response.order.tolist(), start=1):
            ranks[index] = rank
    return ranks


def scored_run(columns: Mapping[str, NDArray[np.object_]], tag: str, depth: int) -> Run:
    """Return the run of the first `depth` candidates of every query, ordered by their scores.

    Parameters
    ----------
    columns
        ``query_id``, ``doc_id``, ``retriever_rank`` and ``score``, ``(r,)`` each.
    tag
        Tag of the run.
    depth
        Candidates per query that count.
    """
    keep = columns["retriever_rank"] <= depth
    return Run.from_rows(
        tag,
        columns["query_id"][keep].tolist(),
        columns["doc_id"][keep].tolist(),
        columns["score"][keep].astype(np.float64),
    )
