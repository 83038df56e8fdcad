"""What a value could be if some, all or none of the unjudged documents within the cutoff were relevant.

Metrics count an unjudged document as not relevant, which is an assumption. Of two such documents the upper one
contributes more; so among all choices of j documents the first j give the highest value and the last j the lowest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.errors import InputError
from evalkit.metrics import definitions
from evalkit.metrics.checks import check_list_metrics
from evalkit.metrics.evaluation import compute
from evalkit.metrics.metric import Metric, MetricDefinition, UnjudgedEffect, Values
from evalkit.metrics.ranked import RankedGrades, rank_grades, with_more_judged
from evalkit.records import RELEVANT_GRADE, MetricValues, Qrels, Run, plain_grade


@dataclass(frozen=True, slots=True, eq=False)
class UnjudgedBounds:
    """The least and the greatest possible values.

    Attributes
    ----------
    least, most
        Over all choices of unjudged documents within the cutoff that get `grade`; the others stay not relevant.
    grade
        The usual grade of relevant documents (`usual_grade`).
    """

    least: MetricValues
    most: MetricValues
    grade: float


def has_unjudged_bounds(metric: Metric) -> bool:
    """Return whether a metric is evalkit's own, has a cutoff, and counts unjudged documents as not relevant."""
    return (
        metric.definition is not None
        and metric.cutoff is not None
        and not metric.judged_only
        and metric.definition.unjudged is not UnjudgedEffect.NOT_APPLICABLE
    )


def unjudged_bounds(run: Run, qrels: Qrels, metrics: Sequence[Metric]) -> UnjudgedBounds:
    """Compute both bounds for the queries that `evaluate` averages.

    Raises
    ------
    InputError
        If a metric has no such bounds, or cannot be computed on these judgments.
    """
    defined = [(metric, _definition_of(metric)) for metric in metrics]
    check_list_metrics(metrics, qrels)
    grade = usual_grade(qrels)
    found = [
        _extremes(run, qrels, metric, definition, max(grade, metric.rel)) for metric, definition in defined
    ]

    def values(side: int) -> MetricValues:
        table = (
            np.column_stack([pair[side] for pair in found]) if found else np.empty((len(qrels.answerable), 0))
        )
        return MetricValues(run.tag, tuple(m.label for m in metrics), qrels.answerable, table)

    return UnjudgedBounds(values(0), values(1), grade)


def usual_grade(qrels: Qrels) -> float:
    """Return the most frequent grade above 0; 1 if there is none.

    Of fractional grades few are equal: then it is the median of those of relevant documents, and of those above 0 if no
    document is relevant.
    """
    grades = qrels.columns.grades
    if grades.dtype.kind == "f":
        relevant = grades[grades >= RELEVANT_GRADE]
        counted = relevant if len(relevant) else grades[grades > 0]
        return plain_grade(np.quantile(counted, 0.5, method="inverted_cdf")) if len(counted) else 1
    counts = Counter(g for docs in qrels.grades.values() for g in docs.values() if g > 0)
    return min(counts, key=lambda grade: (-counts[grade], grade), default=1)


def _definition_of(metric: Metric) -> MetricDefinition:
    if metric.definition is None or not has_unjudged_bounds(metric):
        bounded = [
            one for one in definitions.DEFINITIONS if one.unjudged is not UnjudgedEffect.NOT_APPLICABLE
        ]
        raise InputError(
            f"{metric.label!r} has no bounds over unjudged documents",
            f"use {definitions.join_names(bounded, 'or')} with a cutoff, e.g. nDCG@10",
        )
    return metric.definition


def _extremes(
    run: Run, qrels: Qrels, metric: Metric, definition: MetricDefinition, grade: float
) -> tuple[Values, Values]:
    """Return the ``(q,)`` least and greatest values if unjudged documents within the cutoff may have a grade."""
    ranked = rank_grades(run, qrels, metric.cutoff)
    query, place = np.nonzero(_unjudged(ranked, metric.cutoff or 0))
    numbers = np.bincount(query, minlength=len(ranked))
    from_top = np.arange(len(query)) - (numbers.cumsum() - numbers)[query]
    from_bottom = numbers[query] - 1 - from_top
    least = most = compute(definition, ranked, metric)
    all_of_them = int(numbers.max(initial=0))
    # A value that never falls is greatest with all documents, so other numbers of them need no look.
    only_all = definition.unjudged is UnjudgedEffect.NEVER_LOWERS
    for j in [all_of_them] if only_all else range(1, all_of_them + 1):
        first, last = (
            compute(definition, with_more_judged(ranked, query[rows], place[rows] + 1, grade), metric)
            for rows in (from_top < j, from_bottom < j)
        )
        least, most = np.minimum(least, last), np.maximum(most, first)
    return least, most


def _unjudged(ranked: RankedGrades, cutoff: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return ``(q, cutoff)`` whether the document at each place is unjudged."""
    unjudged = np.arange(cutoff) < ranked.retrieved[:, None]
    unjudged[ranked.found.query, ranked.found.place - 1] = False
    return unjudged
