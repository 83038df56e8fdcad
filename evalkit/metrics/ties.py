"""What a value would be if equal scores were in another order: the best, the worst, and the mean over all orders.

The mean over all orders of tied documents is that of McSherry and Najork ("Computing information retrieval
performance measures efficiently in the presence of tied scores", ECIR 2008), here with cutoffs, and computed per
query instead of per tie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalkit.errors import InputError
from evalkit.metrics import definitions
from evalkit.metrics.checks import check_list_metrics
from evalkit.metrics.evaluation import apply_parameters
from evalkit.metrics.metric import Metric, MetricDefinition, Values
from evalkit.metrics.ranked import RankedGrades, rank_grades, with_ties
from evalkit.records import MetricValues, Qrels, Run


@dataclass(frozen=True, slots=True, eq=False)
class TieBounds:
    """The values of a run over all orders of its tied documents.

    Attributes
    ----------
    best, worst
        With every tie broken in favour of the metric, and against it.
    expected
        The mean over all orders, each equally likely.
    """

    best: MetricValues
    expected: MetricValues
    worst: MetricValues


def has_tie_bounds(metric: Metric) -> bool:
    """Return whether a metric is evalkit's own and has no budget of tokens: other orders of ties end elsewhere."""
    return metric.definition is not None and metric.budget_tokens is None


def tie_bounds(run: Run, qrels: Qrels, metrics: Sequence[Metric]) -> TieBounds:
    """Compute the values over all orders of ties, for the queries that `evaluate` averages.

    Raises
    ------
    InputError
        If a metric is not one of evalkit's own, has a budget of tokens, or cannot be computed on these judgments.
    """
    defined = [(metric, _definition_of(metric)) for metric in metrics]
    check_list_metrics(metrics, qrels)
    ranked = with_ties(rank_grades(run, qrels), run)
    lists = [apply_parameters(ranked, metric) for metric in metrics]

    def values(columns: list[Values]) -> MetricValues:
        table = np.column_stack(columns) if columns else np.empty((len(ranked), 0))
        return MetricValues(run.tag, tuple(m.label for m in metrics), ranked.query_ids, table)

    def broken(*, best: bool) -> list[Values]:
        return [
            definition.value(_break_ties(one, best=best), metric)
            for one, (metric, definition) in zip(lists, defined, strict=True)
        ]

    expected = [
        definition.expected_value(one, metric)
        for one, (metric, definition) in zip(lists, defined, strict=True)
    ]
    return TieBounds(values(broken(best=True)), values(expected), values(broken(best=False)))


def _definition_of(metric: Metric) -> MetricDefinition:
    if metric.definition is None or not has_tie_bounds(metric):
        own = ", ".join(one.name for one in definitions.DEFINITIONS)
        raise InputError(f"{metric.label!r} has no tie bounds", f"use one of: {own}")
    return metric.definition


def _break_ties(ranked: RankedGrades, *, best: bool) -> RankedGrades:
    """Return lists with ties in order of grade: the judged documents first and descending, or last and ascending."""
    found = ranked.found
    ordered = found.only(np.lexsort((-found.grade if best else found.grade, found.above, found.query)))
    first, judged = ordered.groups()
    place = ordered.above + 1 + np.arange(len(first)) - first
    return replace(ranked, found=replace(ordered, place=place if best else place + ordered.tied - judged))
