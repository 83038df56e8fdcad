"""Every reranking depth in one pass: what a metric would be if only the first d candidates had been reranked.

Depths differ in which candidates are reranked, not in the order of these. So one pass over the full rankings
is enough: at depth d, the place of a judged document with a first-stage rank of at most d is one more than the number
of candidates above it whose first-stage rank is at most d. The place of any other is its first-stage rank where
candidates below the depth are kept; else it has none. Every metric here follows from the places of judged documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import InputError
from evalkit.metrics import definitions
from evalkit.metrics.candidate_ranks import ranks_in
from evalkit.metrics.checks import check_list_metrics
from evalkit.metrics.judged_places import IdealGrades, JudgedPlaces
from evalkit.metrics.metric import Metric, Values
from evalkit.metrics.ranked import Ints, rank_grades, replaced_grades
from evalkit.records import BelowDepth, Grades, Qrels, Run

_CELLS = 2**21
"""Most places of judged documents at all depths in memory at once."""


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
    lists = _Lists.of(first_stage, reranked, qrels, deepest, kept=below_depth == "kept")
    values = np.zeros((len(metrics), len(qrels.answerable), deepest))
    for part in lists.parts():
        judged = lists.judged_places(part)
        for index, (metric, value_at_depths) in enumerate(zip(metrics, functions, strict=True)):
            values[index, part.start : part.stop] = value_at_depths(_apply_parameters(judged, metric), metric)
    return DepthValues(tuple(metric.label for metric in metrics), qrels.answerable, values)


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


@dataclass(frozen=True, slots=True, eq=False)
class _Lists:
    """The reranked lists of all averaged queries, and their judged candidates.

    Attributes
    ----------
    queries, deepest
        Number of queries, and the greatest depth.
    kept
        Whether candidates below a depth have a place.
    list_query, list_rank
        ``(n,)`` query of each reranked document, ordered by query and place, and its first-stage rank from 0.
    found
        ``(j,)`` the judged candidates: of a query first those that are reranked, by place; then those below the
        greatest depth.
    ideal
        Grades of all judged documents.
    """

    queries: int
    deepest: int
    kept: bool
    list_query: Ints
    list_rank: Ints
    found: _Judged
    ideal: IdealGrades

    @classmethod
    def of(cls, first_stage: Run, reranked: Run, qrels: Qrels, deepest: int, *, kept: bool) -> _Lists:
        """Return the lists; documents that are no candidates down to the greatest depth are left out."""
        ranked = rank_grades(reranked, qrels)
        starts, stops = reranked.spans(ranked.query_ids)
        lengths = stops - starts
        query = np.repeat(np.arange(len(lengths)), lengths)
        rows = np.arange(len(query)) + np.repeat(starts - (lengths.cumsum() - lengths), lengths)
        rank = ranks_in(first_stage, reranked)[rows] - 1
        grade = np.zeros(len(rows), dtype=ranked.found.grade.dtype)
        judged = np.zeros(len(rows), dtype=np.bool_)
        at = (lengths.cumsum() - lengths)[ranked.found.query] + ranked.found.place - 1
        grade[at], judged[at] = ranked.found.grade, True
        inside = (rank >= 0) & (rank < deepest)
        query, rank, grade, judged = query[inside], rank[inside], grade[inside], judged[inside]
        at = np.flatnonzero(judged)
        found = _Judged(query[at], rank[at], grade[at], at)
        if kept:
            found = found.followed_by(_below(first_stage, qrels, deepest, np.unique(query)))
        ideal = IdealGrades(ranked.ideal.query, ranked.ideal.grade)
        return cls(len(lengths), deepest, kept, query, rank, found, ideal)

    def parts(self) -> Iterator[range]:
        """Yield ranges of queries with at most `_CELLS` places each, or of one query."""
        ends = np.bincount(self.found.query, minlength=self.queries).cumsum()
        most = max(_CELLS // self.deepest, 1)
        start = 0
        while start < self.queries:
            done = ends[start - 1] if start else 0
            stop = max(int(np.searchsorted(ends, done + most, side="right")), start + 1)
            yield range(start, stop)
            start = stop

    def judged_places(self, part: range) -> JudgedPlaces:
        """Return the judged candidates of some queries with their places at every depth."""
        first, last = np.searchsorted(self.found.query, (part.start, part.stop))
        found = self.found.only(slice(first, last))
        places = np.repeat(
            (found.rank + 1.0 if self.kept else np.full(len(found.rank), np.inf))[:, None],
            self.deepest,
            axis=1,
        )
        self._place_reranked(places, found, part)
        low, high = np.searchsorted(self.ideal.query, (part.start, part.stop))
        ideal = IdealGrades(self.ideal.query[low:high] - part.start, self.ideal.grade[low:high])
        return JudgedPlaces(
            len(part), found.query - part.start, found.grade, places, ideal, in_order=not self.kept
        )

    def _place_reranked(self, places: NDArray[np.float64], found: _Judged, part: range) -> None:
        """Set the ``(j, d)`` places of judged documents at the depths that reach them."""
        low, high = np.searchsorted(self.list_query, (part.start, part.stop))
        query, rank = self.list_query[low:high], self.list_rank[low:high]
        reranked = np.flatnonzero(found.at >= 0)
        at = found.at[reranked] - low
        # Each document counts for the next judged document below it, and so for all further ones of its query.
        following = np.searchsorted(at, np.arange(len(rank)), side="right")
        counts = following < len(at)
        counts[counts] = query[counts] == query[at[following[counts]]]
        cells = following[counts] * self.deepest + rank[counts]
        above = np.bincount(cells, minlength=len(at) * self.deepest).reshape(len(at), self.deepest)
        above = above.cumsum(axis=0)
        first = np.searchsorted(query[at], query[at])
        above = above - np.where(first > 0, 1, 0)[:, None] * above[first - 1]
        reached = np.arange(self.deepest) >= rank[at][:, None]
        places[reranked] = np.where(reached, 1.0 + above.cumsum(axis=1), places[reranked])


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """Judged candidates.

    Attributes
    ----------
    query, rank, grade
        ``(j,)`` row of the query, ascending; first-stage rank, from 0; and grade.
    at
        ``(j,)`` row among the reranked documents; -1 for a candidate below the greatest depth.
    """

    query: Ints
    rank: Ints
    grade: Grades
    at: Ints

    def only(self, rows: slice | Ints) -> _Judged:
        return _Judged(self.query[rows], self.rank[rows], self.grade[rows], self.at[rows])

    def followed_by(self, others: _Judged) -> _Judged:
        """Return both; those of one query stay in this order."""
        columns = [
            np.concatenate((getattr(self, name), getattr(others, name)))
            for name in ("query", "rank", "grade", "at")
        ]
        return _Judged(*columns).only(np.argsort(columns[0], kind="stable"))


def _below(first_stage: Run, qrels: Qrels, deepest: int, with_ranking: Ints) -> _Judged:
    """Return the judged candidates below a depth, of the queries that have a ranking: the others failed."""
    found = rank_grades(first_stage, qrels).found
    found = found.only((found.place > deepest) & np.isin(found.query, with_ranking))
    return _Judged(found.query, found.place - 1, found.grade, np.full(len(found.query), -1))


def _apply_parameters(judged: JudgedPlaces, metric: Metric) -> JudgedPlaces:
    """Return places and grades under ``judged_only`` and ``gains`` (see `evaluation.apply_parameters`)."""
    if metric.judged_only:
        reached = np.isfinite(judged.places) & (judged.grades >= 0)[:, None]
        judged = replace(judged, places=np.where(reached, judged.ordinal(reached), np.inf))
    if metric.gains:
        grades, ideal = (
            replaced_grades(grades, metric.gains) for grades in (judged.grades, judged.ideal.grade)
        )
        judged = replace(judged, grades=grades, ideal=IdealGrades.sorted(judged.ideal.query, ideal))
    return judged
