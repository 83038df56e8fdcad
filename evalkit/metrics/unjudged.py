"""What a value could be if the unjudged documents that it looks at were relevant: some of them, all, or none.

Unjudged counts as not relevant, which is a guess. Among equally many such documents the upper ones are worth most;
so the extremes over all choices are among those that take the first j, or the last j, of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.errors import InputError
from evalkit.metrics.kernels import Values, value
from evalkit.metrics.names import Metric
from evalkit.metrics.ranked import RankedGrades, rank_grades, with_more
from evalkit.records import MetricValues, Qrels, Run

_ONLY_RISE = frozenset({"P", "R", "RR", "Success"})
"""Metrics that one more relevant document in the list never lowers; nDCG and AP hold it against the ideal, too."""


@dataclass(frozen=True, slots=True, eq=False)
class UnjudgedBounds:
    """The least and the most that a value could be.

    Attributes
    ----------
    least, most
        Over all choices of unjudged documents within the cutoff that get `grade`; the others stay not relevant.
    grade
        The grade that relevant documents have most often.
    """

    least: MetricValues
    most: MetricValues
    grade: int


def has_unjudged_bounds(metric: Metric) -> bool:
    """Return whether a metric is evalkit's own, has a cutoff, and looks at unjudged documents."""
    return (
        metric.has_kernel and metric.cutoff is not None and not metric.judged_only and metric.name != "Judged"
    )


def unjudged_bounds(run: Run, qrels: Qrels, metrics: Sequence[Metric]) -> UnjudgedBounds:
    """Compute both bounds for the queries that `evaluate` averages.

    Raises
    ------
    InputError
        If a metric has no such bounds.
    """
    for metric in metrics:
        if not has_unjudged_bounds(metric):
            raise InputError(
                f"{metric.label!r} has no bounds over unjudged documents",
                "use nDCG, RR, AP, P, R or Success with a cutoff, e.g. nDCG@10",
            )
    grade = usual_grade(qrels)
    found = [_extremes(run, qrels, metric, max(grade, metric.rel)) for metric in metrics]

    def values(side: int) -> MetricValues:
        table = (
            np.column_stack([pair[side] for pair in found]) if found else np.empty((len(qrels.answerable), 0))
        )
        return MetricValues(run.tag, tuple(m.label for m in metrics), qrels.answerable, table)

    return UnjudgedBounds(values(0), values(1), grade)


def usual_grade(qrels: Qrels) -> int:
    """Return the most frequent grade above 0; 1 where there is none."""
    counts = Counter(g for docs in qrels.grades.values() for g in docs.values() if g > 0)
    return min(counts, key=lambda grade: (-counts[grade], grade), default=1)


def _extremes(run: Run, qrels: Qrels, metric: Metric, grade: int) -> tuple[Values, Values]:
    ranked = rank_grades(run, qrels, metric.cutoff)
    query, place = np.nonzero(_unjudged(ranked, metric.cutoff or 0))
    numbers = np.bincount(query, minlength=len(ranked))
    from_top = np.arange(len(query)) - (numbers.cumsum() - numbers)[query]
    from_below = numbers[query] - 1 - from_top
    least = most = value(ranked, metric)
    deepest = int(numbers.max(initial=0))
    for j in [deepest] if metric.name in _ONLY_RISE else range(1, deepest + 1):
        first, last = (
            value(with_more(ranked, query[kept], place[kept] + 1, grade), metric)
            for kept in (from_top < j, from_below < j)
        )
        least, most = np.minimum(least, last), np.maximum(most, first)
    return least, most


def _unjudged(ranked: RankedGrades, cutoff: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return ``(q, cutoff)`` whether an unjudged document stands there."""
    unjudged = np.arange(cutoff) < ranked.retrieved[:, None]
    unjudged[ranked.found.query, ranked.found.place - 1] = False
    return unjudged
