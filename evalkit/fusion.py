"""Fusion of several rankings of the same queries, by reciprocal ranks or by a weighted sum of scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.records import Run

RRF_CONSTANT = 60.0
"""The value of Cormack, Clarke, Buettcher, "Reciprocal rank fusion outperforms Condorcet", SIGIR 2009."""


def fuse_ranks(
    tag: str, runs: Sequence[Run], weights: Sequence[float] | None = None, constant: float = RRF_CONSTANT
) -> Run:
    """Fuse runs: a document's score is the sum of ``weight / (constant + rank)`` over the runs that contain it.

    The sum is computed exactly and rounded once, so that it does not depend on the order of the runs.

    Parameters
    ----------
    tag
        Tag of the fused run.
    runs
        Runs to fuse. Queries keep the order in which they first occur.
    weights
        Weight of each run; 1 if None.
    constant
        Rank offset: the larger it is, the smaller the advantage of the first ranks.
    """
    longest = max((len(docs) for run in runs for _, docs, _ in run), default=0)
    gains_by_run = [
        [weight / (constant + rank) for rank in range(1, longest + 1)]
        for weight in weights or [1.0] * len(runs)
    ]
    query_ids: list[str] = []
    doc_ids: list[str] = []
    scores: list[float] = []
    for query_id in dict.fromkeys(query_id for run in runs for query_id in run.query_ids):
        gains_by_doc: dict[str, list[float]] = {}
        for run, gains in zip(runs, gains_by_run, strict=True):
            for doc_id, gain in zip(run.docs(query_id), gains, strict=False):
                gains_by_doc.setdefault(doc_id, []).append(gain)
        query_ids += [query_id] * len(gains_by_doc)
        doc_ids += gains_by_doc
        scores += [math.fsum(doc_gains) for doc_gains in gains_by_doc.values()]
    return Run.from_rows(tag, query_ids, doc_ids, scores)


WEIGHTS = (0.25, 0.5, 0.75)
"""Weights of the reranker in a weighted sum."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and standard deviation of a run's scores, used to standardise the scores of two runs."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, run: Run) -> Scale:
        """Return the mean and standard deviation of a run's scores over all queries."""
        return cls(float(run.scores.mean()), float(run.scores.std()) or 1.0) if len(run) else cls(0.0, 1.0)

    def apply(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return standardised scores: distances from the mean in standard deviations."""
        return np.asarray((scores - self.mean) / self.deviation)


def reciprocal_ranks(first_stage: Run, reranked: Run) -> Run:
    """Return the sum of ``1 / (60 + rank)`` over both runs, for the pairs that the reranker scored."""
    fused = fuse_ranks(reranked.tag, [reranked, first_stage])
    if len(fused) == len(reranked):
        return fused
    scored = {query_id: frozenset(docs) for query_id, docs, _ in reranked}
    keep = [doc_id in scored.get(query_id, ()) for query_id, docs, _ in fused for doc_id in docs]
    return fused.where(np.array(keep, dtype=np.bool_))


def weighted(first_stage: Run, reranked: Run, weight: float, scales: tuple[Scale, Scale]) -> Run:
    """Return the weighted sum of standardised scores, for the pairs that the reranker scored.

    Parameters
    ----------
    first_stage, reranked
        The two runs; `first_stage` contains every pair of `reranked`.
    weight
        Weight of the reranker, between 0 and 1; the first stage has ``1 - weight``.
    scales
        Scale of the first stage, then of the reranker.
    """
    first_scores = {
        query_id: dict(zip(docs, scores.tolist(), strict=True)) for query_id, docs, scores in first_stage
    }
    query_ids: list[str] = []
    doc_ids: list[str] = []
    values: list[float] = []
    for query_id, docs, scores in reranked:
        first = np.array([first_scores[query_id][doc_id] for doc_id in docs])
        query_ids += [query_id] * len(docs)
        doc_ids += docs
        values += (weight * scales[1].apply(scores) + (1 - weight) * scales[0].apply(first)).tolist()
    return Run.from_rows(reranked.tag, query_ids, doc_ids, values)
