"""Assemble the outcomes of calls into scored candidates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalkit.records import Run

if TYPE_CHECKING:
    from evalkit.reranking.outcomes import Outcome


@dataclass(frozen=True, slots=True, eq=False)
class ScoredCandidates:
    """Candidates in first-stage order with their reranker scores.

    Attributes
    ----------
    tag
        Tag of the reranker.
    query_ids, doc_ids, retriever_rank, scores
        ``(r,)`` columns; ranks count from 1.
    list_rank
        ``(r,)`` rank in the list that the backend returned for the call, from 1; None if it returned no order.
    failed
        Queries without scores because a call failed. They have no rows.
    missing
        Number of documents without a score that the backend placed last by its own rule.
    ignored
        Number of documents of a replayed run that are not among the candidates.
    """

    tag: str
    query_ids: tuple[str, ...]
    doc_ids: tuple[str, ...]
    retriever_rank: NDArray[np.int64]
    scores: NDArray[np.float64]
    list_rank: tuple[int | None, ...]
    failed: tuple[str, ...]
    missing: int
    ignored: int = 0


@dataclass(slots=True, eq=False)
class Row:
    """The scores of one query's candidates, cached and new.

    Attributes
    ----------
    scores
        ``(n,)`` by rank; NaN if there is none yet.
    list_rank
        ``(n,)`` rank in the list that the backend returned for the call; None if unknown.
    """

    scores: NDArray[np.float64]
    list_rank: list[int | None]

    @classmethod
    def empty(cls, documents: int) -> Row:
        """Return a row without scores."""
        return cls(np.full(documents, np.nan), [None] * documents)

    @property
    def known_ranks(self) -> frozenset[int]:
        """Ranks that have a score."""
        return frozenset((np.flatnonzero(~np.isnan(self.scores)) + 1).tolist())

    def take(self, outcome: Outcome) -> None:
        """Store the scores of a batch; a failed batch sets its scores to NaN, so that the query fails."""
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
    """Return all scores in first-stage order; one failed call fails its whole query.

    Queries that were not sent, e.g. in an interrupted pass, count as failed, too.

    Parameters
    ----------
    outcomes
        Outcomes of the batches that were sent.
    candidates
        The candidate lists.
    tag
        Tag of the reranker.
    known
        Query id -> cached scores.
    """
    rows = {query_id: (known or {}).get(query_id) or Row.empty(len(docs)) for query_id, docs, _ in candidates}
    missing: Counter[str] = Counter()
    ignored: Counter[str] = Counter()
    for outcome in outcomes:
        query_id = outcome.batch.request.query_id
        rows[query_id].take(outcome)
        missing[query_id] += outcome.response.missing if outcome.response else 0
        ignored[query_id] += outcome.response.ignored if outcome.response else 0
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
            ignored.pop(query_id, None)
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
        ignored.total(),
    )


def list_ranks_of(outcome: Outcome) -> list[int | None]:
    """Return each document's rank, from 1, in the list that the backend returned; None if it returned no order."""
    ranks: list[int | None] = [None] * len(outcome.batch.ranks)
    if outcome.response is not None and outcome.response.order is not None:
        for rank, index in enumerate(outcome.response.order.tolist(), start=1):
            ranks[index] = rank
    return ranks
