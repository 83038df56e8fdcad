"""Every depth in one pass: what a metric would be if only the first d candidates had been reranked.

Depths differ in which candidates take part, not in how those are ordered. So one look at each query's full
ranking is enough: the place of a judged document at depth d is one more than the candidates above it whose
first-stage rank is at most d, and all metrics follow from the places of judged documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import InputError
from evalkit.metrics.kernels import gains_of
from evalkit.metrics.names import Metric
from evalkit.records import Qrels, Run

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DepthValues:
    """Values of every averaged query at every depth.

    Attributes
    ----------
    metrics
        ``(m,)`` labels.
    query_ids
        ``(q,)``.
    values
        ``(m, q, d)`` for depths 1 to d.
    """

    metrics: tuple[str, ...]
    query_ids: tuple[str, ...]
    values: NDArray[np.float64]

    def of(self, metric: str) -> NDArray[np.float64]:
        """Return the ``(q, d)`` values of one metric."""
        found: NDArray[np.float64] = self.values[self.metrics.index(metric)]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """The judged documents of one query that are among its candidates, best placed first.

    Attributes
    ----------
    grades
        ``(j,)``.
    places
        ``(j, d)`` place at every depth, from 1; beyond any cutoff where the document is not there yet.
    ideal
        Grades of all judged documents, descending.
    """

    grades: NDArray[np.int64]
    places: NDArray[np.float64]
    ideal: NDArray[np.int64]


def sweep_depths(
    first_stage: Run, reranked: Run, qrels: Qrels, metrics: Sequence[Metric], deepest: int
) -> DepthValues:
    """Evaluate every depth from 1 to `deepest`.

    Parameters
    ----------
    first_stage
        The candidates in their own order.
    reranked
        The same candidates by a pointwise reranker's scores; queries it lacks count as 0.
    qrels, metrics
        As for `evaluate`, with which the values agree at every depth.

    Raises
    ------
    InputError
        If a metric is not one of evalkit's own.
    """
    for metric in metrics:
        if not can_sweep(metric):
            raise InputError(f"{metric.label!r} cannot be swept over depths", f"use one of: {', '.join(_AT)}")
    query_ids = qrels.answerable
    values = np.zeros((len(metrics), len(query_ids), deepest))
    for row, query_id in enumerate(query_ids):
        judged = _judged(first_stage, reranked, qrels, query_id, deepest)
        for index, metric in enumerate(metrics):
            values[index, row] = _AT[metric.name](_as_seen_by(metric, judged), metric)
    return DepthValues(tuple(metric.label for metric in metrics), query_ids, values)


def can_sweep(metric: Metric) -> bool:
    """Return whether a metric follows from the places of judged documents alone, and is evalkit's own."""
    return metric.has_kernel and metric.name in _AT


def _judged(first_stage: Run, reranked: Run, qrels: Qrels, query_id: str, deepest: int) -> _Judged:
    of_query = qrels.of(query_id)
    rank = {doc_id: number for number, doc_id in enumerate(first_stage.docs(query_id))}
    docs = [doc_id for doc_id in reranked.docs(query_id) if rank.get(doc_id, deepest) < deepest]
    ranks = np.array([rank[doc_id] for doc_id in docs], dtype=np.int64)
    held = [place for place, doc_id in enumerate(docs) if doc_id in of_query]
    places = np.full((len(held), deepest), np.inf)
    above = np.zeros(deepest, dtype=np.int64)
    done = 0
    for number, place in enumerate(held):
        above += np.bincount(ranks[done:place], minlength=deepest)
        done = place
        start = ranks[place]
        places[number, start:] = 1.0 + above.cumsum()[start:]
    return _Judged(
        grades=np.array([of_query[docs[place]] for place in held], dtype=np.int64),
        places=places,
        ideal=_descending(of_query.values()),
    )


def _as_seen_by(metric: Metric, judged: _Judged) -> _Judged:
    """Return places and grades as a metric's parameters want them (see `kernels.as_seen_by`)."""
    if metric.judged_only:
        there = np.isfinite(judged.places)
        judged = replace(judged, places=np.where(there, there.cumsum(axis=0), np.inf))
    if metric.gains:
        grades, ideal = (
            [metric.gains.get(grade, grade) for grade in grades.tolist()]
            for grades in (judged.grades, judged.ideal)
        )
        judged = replace(judged, grades=np.array(grades, dtype=np.int64), ideal=_descending(ideal))
    return judged


def _descending(grades: Iterable[int]) -> NDArray[np.int64]:
    return np.array(sorted(grades, reverse=True), dtype=np.int64)


def _within(judged: _Judged, metric: Metric, least: int) -> NDArray[np.bool_]:
    """Return ``(j, d)`` whether a document of a grade is there and within the cutoff."""
    cutoff = np.inf if metric.cutoff is None else metric.cutoff
    inside = np.isfinite(judged.places) & (judged.places <= cutoff)
    return np.asarray(inside & (judged.grades >= least)[:, None])


def _ndcg(judged: _Judged, metric: Metric) -> Values:
    ideal = gains_of(judged.ideal, metric)[: metric.cutoff]
    best = float((ideal / np.log2(np.arange(len(ideal)) + 2.0)).sum())
    gains = gains_of(judged.grades, metric)[:, None] * _within(judged, metric, 1)
    achieved = (gains / np.log2(judged.places + 1.0)).sum(axis=0)
    return np.asarray(achieved / best if best else np.zeros_like(achieved))


def _reciprocal_rank(judged: _Judged, metric: Metric) -> Values:
    first = np.where(_within(judged, metric, metric.rel), judged.places, np.inf).min(axis=0, initial=np.inf)
    return np.asarray(1.0 / first)


def _average_precision(judged: _Judged, metric: Metric) -> Values:
    there = _within(judged, metric, metric.rel)
    # Documents stand in the order of the full ranking, and no depth changes who is above whom.
    return _share((there.cumsum(axis=0) / judged.places * there).sum(axis=0), judged, metric)


def _recall(judged: _Judged, metric: Metric) -> Values:
    return _share(_within(judged, metric, metric.rel).sum(axis=0).astype(np.float64), judged, metric)


def _share(numbers: Values, judged: _Judged, metric: Metric) -> Values:
    """Return numbers by the number of relevant documents; 0 where there is none."""
    relevant = int((judged.ideal >= metric.rel).sum())
    return np.asarray(numbers / relevant if relevant else np.zeros_like(numbers))


def _precision(judged: _Judged, metric: Metric) -> Values:
    return np.asarray(_within(judged, metric, metric.rel).sum(axis=0) / float(metric.cutoff or 1))


def _success(judged: _Judged, metric: Metric) -> Values:
    return np.asarray(_within(judged, metric, metric.rel).any(axis=0), dtype=np.float64)


_AT: dict[str, Callable[[_Judged, Metric], Values]] = {
    "nDCG": _ndcg,
    "RR": _reciprocal_rank,
    "AP": _average_precision,
    "P": _precision,
    "R": _recall,
    "Success": _success,
}
