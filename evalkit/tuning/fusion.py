"""The first stage's opinion beside the reranker's: two runs over the same candidates made into one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.fusion import fuse_ranks
from evalkit.records import Run

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
    """Return the sum of ``1 / (60 + rank)`` in both runs, of the pairs that were reranked."""
    fused = fuse_ranks(reranked.tag, [reranked, first_stage])
    if len(fused) == len(reranked):
        return fused
    scored = {query_id: frozenset(docs) for query_id, docs, _ in reranked}
    return fused.where(
        np.array([d in scored.get(q, ()) for q, docs, _ in fused for d in docs], dtype=np.bool_)
    )


def weighted(first_stage: Run, reranked: Run, weight: float, scales: tuple[Scale, Scale]) -> Run:
    """Return ``weight`` times the reranker's standardised score plus the rest of the first stage's."""
    held = {query_id: dict(zip(docs, scores.tolist(), strict=True)) for query_id, docs, scores in first_stage}
    query_ids: list[str] = []
    doc_ids: list[str] = []
    values: list[float] = []
    for query_id, docs, scores in reranked:
        own = np.array([held[query_id][doc_id] for doc_id in docs])
        query_ids += [query_id] * len(docs)
        doc_ids += docs
        values += (weight * scales[1].apply(scores) + (1 - weight) * scales[0].apply(own)).tolist()
    return Run.from_rows(reranked.tag, query_ids, doc_ids, values)
