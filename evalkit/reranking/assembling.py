"""Outcomes to scored candidates, and scored candidates to a run at any depth."""

from __future__ import annotations

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


def assemble(outcomes: Iterable[Outcome], candidates: Run, tag: str) -> ScoredCandidates:
    """Put responses back in first-stage order; one failed call fails its whole query.

    Queries that were never asked (an interrupted pass) count as failed, too.
    """
    parts: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        parts.setdefault(outcome.batch.request.query_id, []).append(outcome)
    query_ids: list[str] = []
    doc_ids: list[str] = []
    ranks: list[int] = []
    scores: list[NDArray[np.float64]] = []
    list_rank: list[int | None] = []
    failed: list[str] = []
    missing = 0
    for query_id, docs, _ in candidates:
        row = _scores_of(parts.get(query_id, []), len(docs))
        if row is None:
            failed.append(query_id)
            continue
        list_rank += _list_ranks(parts[query_id], len(docs))
        missing += sum(o.response.missing for o in parts[query_id] if o.response)
        query_ids += [query_id] * len(docs)
        doc_ids += docs
        ranks += range(1, len(docs) + 1)
        scores.append(row)
    return ScoredCandidates(
        tag,
        tuple(query_ids),
        tuple(doc_ids),
        np.array(ranks, dtype=np.int64),
        np.concatenate(scores) if scores else np.empty(0),
        tuple(list_rank),
        tuple(failed),
        missing,
    )


def _scores_of(outcomes: Iterable[Outcome], documents: int) -> NDArray[np.float64] | None:
    row = np.full(documents, np.nan)
    for outcome in outcomes:
        if outcome.response is None:
            return None
        start = outcome.batch.first_rank - 1
        row[start : start + len(outcome.response.scores)] = outcome.response.scores
    return None if np.isnan(row).any() else row


def _list_ranks(outcomes: Iterable[Outcome], documents: int) -> list[int | None]:
    ranks: list[int | None] = [None] * documents
    for outcome in outcomes:
        if outcome.response is None or outcome.response.order is None:
            continue
        start = outcome.batch.first_rank - 1
        for rank, index in enumerate(outcome.response.order.tolist(), start=1):
            ranks[start + index] = rank
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
