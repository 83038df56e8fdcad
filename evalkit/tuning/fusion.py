"""The first stage's opinion beside the reranker's: two runs over the same candidates made into one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.records import Run

RRF_CONSTANT = 60
"""As in Cormack, Clarke, Buettcher, "Reciprocal rank fusion outperforms Condorcet", SIGIR 2009."""
WEIGHTS = (0.25, 0.5, 0.75)
"""Shares of the reranker in a weighted sum."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and standard deviation of a run's scores, by which two runs are brought together."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, run: Run) -> Scale:
        """Return the scale of a run's scores, over all queries: never of one query alone."""
        return cls(float(run.scores.mean()), float(run.scores.std()) or 1.0) if len(run) else cls(0.0, 1.0)

    def apply(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores in standard deviations from the mean."""
        return np.asarray((scores - self.mean) / self.deviation)


def reciprocal_ranks(first_stage: Run, reranked: Run) -> Run:
    """Return the sum of ``1 / (60 + rank)`` in both runs."""
    return _fused(
        first_stage,
        reranked,
        lambda own, other: 1 / (RRF_CONSTANT + own.rank) + 1 / (RRF_CONSTANT + other.rank),
    )


def weighted(first_stage: Run, reranked: Run, weight: float, scales: tuple[Scale, Scale]) -> Run:
    """Return ``weight`` times the reranker's standardised score plus the rest of the first stage's."""
    return _fused(
        first_stage,
        reranked,
        lambda own, other: weight * scales[1].apply(other.score) + (1 - weight) * scales[0].apply(own.score),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Opinion:
    """``(n,)`` ranks and scores of one query's candidates."""

    rank: NDArray[np.float64]
    score: NDArray[np.float64]


def _fused(first_stage: Run, reranked: Run, fuse: Callable[[_Opinion, _Opinion], NDArray[np.float64]]) -> Run:
    """Fuse query by query; both runs hold the same candidates."""
    held = {query_id: (docs, scores) for query_id, docs, scores in first_stage}
    query_ids: list[str] = []
    doc_ids: list[str] = []
    values: list[float] = []
    for query_id, docs, scores in reranked:
        own_docs, own_scores = held[query_id]
        place = {doc_id: row for row, doc_id in enumerate(own_docs)}
        rows = np.array([place[doc_id] for doc_id in docs], dtype=np.int64)
        own = _Opinion((rows + 1).astype(np.float64), own_scores[rows])
        other = _Opinion(np.arange(1.0, len(docs) + 1), scores)
        query_ids += [query_id] * len(docs)
        doc_ids += docs
        values += fuse(own, other).tolist()
    return Run.from_rows(reranked.tag, query_ids, doc_ids, values)
