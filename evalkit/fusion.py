"""Several rankings of the same queries made into one by their ranks alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.records import Run

RRF_CONSTANT = 60.0
"""As in Cormack, Clarke, Buettcher, "Reciprocal rank fusion outperforms Condorcet", SIGIR 2009."""


def fuse_ranks(
    tag: str, runs: Sequence[Run], weights: Sequence[float] | None = None, constant: float = RRF_CONSTANT
) -> Run:
    """Return the sum of ``weight / (constant + rank)`` over the runs that hold a document.

    Sums are exact before they are rounded: documents with the same ranks in another order of runs are tied.

    Parameters
    ----------
    tag
        Of the fused run.
    runs
        What is fused. Queries stand in the order of the first run that has them.
    weights
        Of each run; 1 where absent.
    constant
        How little the first ranks count more than those that follow.
    """
    longest = max((len(docs) for run in runs for _, docs, _ in run), default=0)
    gains = [
        [weight / (constant + rank) for rank in range(1, longest + 1)]
        for weight in weights or [1.0] * len(runs)
    ]
    query_ids: list[str] = []
    doc_ids: list[str] = []
    scores: list[float] = []
    for query_id in dict.fromkeys(query_id for run in runs for query_id in run.query_ids):
        shares: dict[str, list[float]] = {}
        for run, own in zip(runs, gains, strict=True):
            for doc_id, gain in zip(run.docs(query_id), own, strict=False):
                shares.setdefault(doc_id, []).append(gain)
        query_ids += [query_id] * len(shares)
        doc_ids += shares
        scores += [math.fsum(share) for share in shares.values()]
    return Run.from_rows(tag, query_ids, doc_ids, scores)


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
