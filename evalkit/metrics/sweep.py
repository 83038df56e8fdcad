"""Every reranking depth in one pass: what a metric would be if only the first d candidates had been reranked.

Depths differ in which candidates are reranked, not in the order of these. So one pass over each query's full ranking
is enough: at depth d, the place of a judged document with a first-stage rank of at most d is one more than the number
of candidates above it whose first-stage rank is at most d. The place of any other is its first-stage rank where
candidates below the depth are kept; else it has none. Every metric here follows from the places of judged documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import InputError
from evalkit.metrics import definitions
from evalkit.metrics.checks import check_list_metrics
from evalkit.metrics.metric import Metric, Values
from evalkit.metrics.ranked import Ints, JudgedPlaces
from evalkit.records import BelowDepth, Qrels, Run


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


def sweep_depths(
    first_stage: Run,
    reranked: Run,
    qrels: Qrels,
    metrics: Sequence[Metric],
    deepest: int,
    below_depth: BelowDepth,
) -> DepthValues:
    """Evaluate every depth from 1 to `deepest`.

    Parameters
    ----------
    first_stage
        All candidates in their own order.
    reranked
        At least the first `deepest` of them by a pointwise reranker's scores; a query that is missing here counts as 0.
    qrels, metrics
        As for `evaluate`; the values are equal to its values at every depth.
    deepest
        The greatest depth.
    below_depth
        What becomes of the candidates below a depth.

    Raises
    ------
    InputError
        If a metric is not one of evalkit's own, or does not follow from the places of judged documents, or
        cannot be computed on these judgments.
    """
    functions = [_value_at_depths(metric) for metric in metrics]
    check_list_metrics(metrics, qrels)
    query_ids = qrels.answerable
    values = np.zeros((len(metrics), len(query_ids), deepest))
    for row, query_id in enumerate(query_ids):
        judged = _judged_places(first_stage, reranked, qrels, query_id, deepest, below_depth)
        for index, (metric, value_at_depths) in enumerate(zip(metrics, functions, strict=True)):
            values[index, row] = value_at_depths(_apply_parameters(judged, metric), metric)
    return DepthValues(tuple(metric.label for metric in metrics), query_ids, values)


def can_sweep(metric: Metric) -> bool:
    """Return whether a metric is evalkit's own and follows from the places of judged documents alone."""
    # Where a list ends at a budget depends on the lengths of unjudged documents, too.
    return (
        metric.definition is not None
        and metric.definition.value_at_depths is not None
        and metric.budget_tokens is None
    )


def _value_at_depths(metric: Metric) -> Callable[[JudgedPlaces, Metric], Values]:
    found = metric.definition.value_at_depths if metric.definition else None
    if found is None or not can_sweep(metric):
        able = ", ".join(one.name for one in definitions.DEFINITIONS if one.value_at_depths)
        raise InputError(
            f"{metric.label!r} cannot be computed for all depths",
            f"use one of these without a budget: {able}"
            if metric.budget_tokens is not None
            else f"use one of: {able}",
        )
    return found


def _judged_places(
    first_stage: Run, reranked: Run, qrels: Qrels, query_id: str, deepest: int, below_depth: BelowDepth
) -> JudgedPlaces:
    grade_of, candidates = qrels.of(query_id), first_stage.docs(query_id)
    rank = {doc_id: number for number, doc_id in enumerate(candidates)}
    docs = [doc_id for doc_id in reranked.docs(query_id) if rank.get(doc_id, deepest) < deepest]
    judged = [place for place, doc_id in enumerate(docs) if doc_id in grade_of]
    found = [docs[place] for place in judged]
    kept = below_depth == "kept"
    if kept and docs:  # without a reranked document there is no ranking: the query failed
        found += [doc_id for doc_id in candidates[deepest:] if doc_id in grade_of]
    below = np.array([rank[doc_id] + 1.0 if kept else np.inf for doc_id in found])
    places = np.repeat(below[:, None], deepest, axis=1)
    _place_reranked(places, np.array([rank[doc_id] for doc_id in docs], dtype=np.int64), judged)
    grades = np.array([grade_of[doc_id] for doc_id in found], dtype=np.int64)
    return JudgedPlaces(grades, places, _descending(grade_of.values()), in_order=not kept)


def _place_reranked(places: NDArray[np.float64], ranks: Ints, judged: Sequence[int]) -> None:
    """Set the places of judged documents at the depths that reach them.

    Parameters
    ----------
    places
        ``(j, d)``; the first rows are those of `judged`.
    ranks
        ``(n,)`` first-stage rank of each document of the full ranking, from 0.
    judged
        Indices of the judged ones among them, ascending.
    """
    deepest = places.shape[1]
    above = np.zeros(deepest, dtype=np.int64)
    done = 0
    for number, place in enumerate(judged):
        above += np.bincount(ranks[done:place], minlength=deepest)
        done = place
        start = ranks[place]
        places[number, start:] = 1.0 + above.cumsum()[start:]


def _apply_parameters(judged: JudgedPlaces, metric: Metric) -> JudgedPlaces:
    """Return places and grades under ``judged_only`` and ``gains`` (see `evaluation.apply_parameters`)."""
    if metric.judged_only:
        reached = np.isfinite(judged.places) & (judged.grades >= 0)[:, None]
        judged = replace(judged, places=np.where(reached, judged.ordinal(reached), np.inf))
    if metric.gains:
        grades, ideal = (
            [metric.gains.get(grade, grade) for grade in grades.tolist()]
            for grades in (judged.grades, judged.ideal)
        )
        judged = replace(judged, grades=np.array(grades, dtype=np.int64), ideal=_descending(ideal))
    return judged


def _descending(grades: Iterable[int]) -> Ints:
    return np.array(sorted(grades, reverse=True), dtype=np.int64)
