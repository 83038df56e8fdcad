"""Values of a run: by evalkit's own definitions, or by ir_measures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from evalkit.metrics import providers
from evalkit.metrics.metric import Metric, MetricDefinition, Values
from evalkit.metrics.names import parse_metric, proper_name
from evalkit.metrics.ranked import RankedGrades, condensed, rank_grades, regraded
from evalkit.records import MetricValues, Qrels, Run


def evaluate(run: Run, qrels: Qrels, metrics: Sequence[Metric | str]) -> MetricValues:
    """Compute every metric for every query whose judgments hold any grade above 0.

    A metric is a name, or what `parse_metric` returns. A query that is not in the run gets 0 (trec_eval's ``-c``);
    a query without a document at a metric's ``rel`` level gets 0 there. Queries without a relevant document are left
    out: ranking metrics are undefined for them. A metric over several lists is unknown (NaN) for some queries; see
    `check_judgments`.

    Raises
    ------
    InputError
        If a metric that is not evalkit's own cannot be computed on this data.
    """
    wanted = [parse_metric(proper_name(one)) if isinstance(one, str) else one for one in metrics]
    ranked = rank_grades(run, qrels, _deepest(wanted))
    columns = [_column(run, qrels, metric, ranked) for metric in wanted]
    values = np.column_stack(columns) if columns else np.empty((len(ranked.query_ids), 0))
    return MetricValues(run.tag, tuple(m.label for m in wanted), ranked.query_ids, values)


def _column(run: Run, qrels: Qrels, metric: Metric, ranked: RankedGrades) -> Values:
    """Return the ``(q,)`` values of a metric."""
    if metric.run_metric is not None:
        return metric.run_metric.value(run, qrels, ranked.query_ids)
    if metric.definition is not None:
        return compute(metric.definition, ranked, metric)
    return providers.values(run, qrels, metric, ranked.query_ids)


def check_judgments(metrics: Iterable[Metric], qrels: Qrels, where: str) -> None:
    """Check that metrics which compare several lists can be computed with some judgments.

    Parameters
    ----------
    metrics, qrels
        What to compute, and the judgments.
    where
        Whose judgments they are, for messages.

    Raises
    ------
    InputError
        If one cannot.
    """
    for metric in metrics:
        if metric.run_metric is not None:
            metric.run_metric.check(qrels, where)


def compute(definition: MetricDefinition, ranked: RankedGrades, metric: Metric) -> Values:
    """Return the ``(q,)`` values of a metric of evalkit's own."""
    return definition.value(apply_parameters(ranked, metric), metric)


def apply_parameters(ranked: RankedGrades, metric: Metric) -> RankedGrades:
    """Return lists and grades under ``judged_only`` and ``gains``, which apply before any metric is computed."""
    lists = condensed(ranked) if metric.judged_only else ranked
    return regraded(lists, metric.gains) if metric.gains else lists


def _deepest(metrics: Sequence[Metric]) -> int | None:
    """Return the lowest place that any metric reads; None if one reads whole lists."""
    cutoffs = [None if one.judged_only else one.cutoff for one in metrics if one.has_kernel]
    return None if None in cutoffs else max(cutoffs, default=0)  # type: ignore[type-var]
