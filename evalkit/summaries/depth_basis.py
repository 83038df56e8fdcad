"""The values that a depth is chosen on: of the grades that count, or of people and a judge, which they correct."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet, Plan
from evalkit.comparison.correction import Correction
from evalkit.metrics import evaluate, parse_metrics
from evalkit.metrics.sweep import DepthValues as SweptDepths
from evalkit.metrics.sweep import sweep_depths
from evalkit.records import Qrels
from evalkit.stats import Clusters, fill_failed
from evalkit.summaries.candidate_runs import first_stage_run
from evalkit.summaries.tuning_depths import QueryHalves
from evalkit.summaries.tuning_labels import TuningLabels, people_of
from evalkit.tuning import Split, split_queries
from evalkit.tuning.depth_values import JudgedDepths

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DepthBasis:
    """What a depth is chosen on.

    Attributes
    ----------
    values
        ``(n, 1 + d)`` values of the first stage alone and of depths 1 to d.
    split
        Rows of the halves.
    clusters
        ``(n,)`` cluster of each query; None if all are independent.
    judged
        Values under the grades of a judge; None where `values` count as they are.
    """

    values: Values
    split: Split
    clusters: Clusters | None
    judged: JudgedDepths | None = None


def depth_basis(labels: TuningLabels, tag: str, metric: str, plan: Plan, unranked: Values) -> DepthBasis:
    """Return the values of one reranker at every depth.

    Parameters
    ----------
    labels
        The grades; see `depth_labels`.
    tag
        A pointwise reranker.
    metric
        The metric.
    plan
        Gives the seed.
    unranked
        ``(q,)`` values of the first stage over the answerable queries, for grades that are not corrected.
    """
    comparison_set = labels.comparison_set
    if labels.correction is not None:
        return _corrected(comparison_set, labels.correction, labels.pool, tag, metric, plan)
    swept = _swept(comparison_set, tag, metric)
    clusters = comparison_set.clusters_of(swept.query_ids)
    split = split_queries(len(swept.query_ids), plan.seed, clusters)
    return DepthBasis(np.column_stack([unranked, swept.of(metric)]), split, clusters)


def _corrected(
    comparison_set: ComparisonSet,
    correction: Correction,
    pool: Mapping[str, Collection[str]],
    tag: str,
    metric: str,
    plan: Plan,
) -> DepthBasis:
    """Return people's values of the drawn queries and the judge's of all; halves share no query and no cluster.

    Drawn queries are in the half that they are in for a threshold under people's grades, so that what checks one checks
    the other. A query without a relevant document has the value 0 and is in no mean; one that the judge failed on has
    the mean of its values.
    """
    drawn, others = correction.drawn, correction.others
    of_people = people_of(comparison_set, correction)
    halves = QueryHalves.of(of_people, plan)
    of_others = QueryHalves.split(comparison_set, others, plan.seed)
    grades = correction.judged_within(pool)
    of_judge, has_value = _values_of(comparison_set, grades, tag, metric, correction.query_ids)
    ungraded = np.array([query_id not in grades.grades for query_id in correction.query_ids], dtype=np.bool_)
    of_judge[ungraded], has_value[ungraded] = np.nan, np.nan
    has_value = fill_failed(has_value[:, None])[:, 0]
    values, averaged = _values_of(comparison_set, of_people.qrels, tag, metric, drawn)
    judged = JudgedDepths(
        correction.judge,
        np.where(has_value[:, None] > 0, fill_failed(of_judge), 0.0),
        _rows_of(of_others, others),
        comparison_set.clusters_of(correction.query_ids),
        (averaged, has_value),
        ungraded,
        correction.declared,
        correction.enlarged,
    )
    return DepthBasis(values, _rows_of(halves, drawn), comparison_set.clusters_of(drawn), judged)


def _values_of(
    comparison_set: ComparisonSet, grades: Qrels, tag: str, metric: str, query_ids: Sequence[str]
) -> tuple[Values, Values]:
    """Return the ``(n, 1 + d)`` values of queries, 0 without a relevant document, and ``(n,)`` who has one."""
    judged = replace(comparison_set, qrels=grades)
    swept = _swept(judged, tag, metric)
    unranked = evaluate(first_stage_run(judged), grades, parse_metrics([metric])).of(metric)
    values = np.column_stack([unranked, swept.of(metric)])
    row_of = {query_id: row for row, query_id in enumerate(swept.query_ids)}
    found, has_value = np.zeros((len(query_ids), values.shape[1])), np.zeros(len(query_ids))
    for row, query_id in enumerate(query_ids):
        if query_id in row_of:
            found[row], has_value[row] = values[row_of[query_id]], 1
    return found, has_value


def _rows_of(halves: QueryHalves, query_ids: Sequence[str]) -> Split:
    rows = [
        np.flatnonzero([query_id in half for query_id in query_ids]).astype(np.int64)
        for half in (halves.tuning, halves.held_out)
    ]
    return Split(*rows)


def _swept(comparison_set: ComparisonSet, tag: str, metric: str) -> SweptDepths:
    """Return the reranker's values at every depth."""
    return sweep_depths(
        first_stage_run(comparison_set),
        comparison_set.systems[tag].scores,
        comparison_set.qrels,
        parse_metrics([metric]),
        comparison_set.deepest or 1,
        comparison_set.below_depth,
    )
