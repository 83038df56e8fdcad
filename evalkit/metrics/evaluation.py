"""Values of a run: by evalkit's own definitions, or by ir_measures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalkit.errors import InputError
from evalkit.metrics import providers, token_budget
from evalkit.metrics.checks import check_list_metrics
from evalkit.metrics.metric import Metric, MetricDefinition, Values
from evalkit.metrics.names import parse_metric, proper_name
from evalkit.metrics.ranked import RankedGrades, condensed, rank_grades, regraded
from evalkit.records import DocumentTokens, MetricValues, Qrels, Run


def evaluate(
    run: Run, qrels: Qrels, metrics: Sequence[Metric | str], tokens: DocumentTokens | None = None
) -> MetricValues:
    """Compute every metric for every query whose judgments hold any grade above 0.

    A metric is a name, or what `parse_metric` returns. A query that is not in the run gets 0 (trec_eval's ``-c``);
    a query without a document at a metric's ``rel`` level gets 0 there. Queries without a relevant document are left
    out: ranking metrics are undefined for them. A metric over several lists is unknown (NaN) for some queries.

    Parameters
    ----------
    run, qrels
        The ranked lists and the judgments.
    metrics
        A metric at a budget of tokens is computed on lists that end at the budget (see `token_budget`).
    tokens
        Lengths of the documents, for such metrics; those of the judgments where None.

    Raises
    ------
    InputError
        If a metric cannot be computed on this data, or a ranked document has no known length and a metric has a budget
        of tokens.
    """
    if tokens is not None:
        qrels = qrels.with_tokens(tokens)
    wanted = [parse_metric(proper_name(one)) if isinstance(one, str) else one for one in metrics]
    check_list_metrics(wanted, qrels)
    ranked = rank_grades(run, qrels, _deepest(wanted))
    lists = token_budget.cut_lists(run, qrels, ranked, wanted)
    columns = [_column(run, qrels, metric, lists.get(metric.budget_tokens, ranked)) for metric in wanted]
    values = np.column_stack(columns) if columns else np.empty((len(ranked.query_ids), 0))
    return MetricValues(run.tag, tuple(m.label for m in wanted), ranked.query_ids, values)


def _column(run: Run, qrels: Qrels, metric: Metric, ranked: RankedGrades) -> Values:
    """Return the ``(q,)`` values of a metric."""
    if metric.run_metric is not None:
        return metric.run_metric.value(run, qrels, ranked.query_ids)
    if metric.definition is not None:
        return _finite(compute(metric.definition, ranked, metric), metric, ranked.query_ids)
    return providers.values(run, qrels, metric, ranked.query_ids)


def _finite(values: Values, metric: Metric, query_ids: Sequence[str]) -> Values:
    """Return the values; raise `InputError` for one that is not finite, but for unknown ones of a partial metric."""
    partial = metric.definition is not None and metric.definition.partial
    wrong = np.flatnonzero(np.isinf(values) if partial else ~np.isfinite(values))
    if len(wrong):
        raise InputError(
            f"{metric.label!r} has the value {values[wrong[0]]} for query {query_ids[wrong[0]]!r}",
            "check the grades of this query",
        )
    return values


def compute(definition: MetricDefinition, ranked: RankedGrades, metric: Metric) -> Values:
    """Return the ``(q,)`` values of a metric of evalkit's own."""
    return definition.value(apply_parameters(ranked, metric), metric)


def apply_parameters(ranked: RankedGrades, metric: Metric) -> RankedGrades:
    """Return lists and grades under ``judged_only`` and ``gains``, which apply before any metric is computed."""
    lists = condensed(ranked) if metric.judged_only else ranked
    return regraded(lists, metric.gains) if metric.gains else lists


def _deepest(metrics: Sequence[Metric]) -> int | None:
    """Return the lowest place that any metric reads; None if one reads whole lists."""
    cutoffs = [None if one.judged_only else one.cutoff for one in metrics if one.definition is not None]
    return None if None in cutoffs else max(cutoffs, default=0)  # type: ignore[type-var]
