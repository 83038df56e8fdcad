"""Values of a run: by evalkit's own definitions, or by ir_measures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalkit.metrics import providers, token_budget
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
    out: ranking metrics are undefined for them.

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
        If a metric that is not evalkit's own cannot be computed on this data, or a ranked document has no known length
        and a metric has a budget of tokens.
    """
    if tokens is not None:
        qrels = qrels.with_tokens(tokens)
    wanted = [parse_metric(proper_name(one)) if isinstance(one, str) else one for one in metrics]
    ranked = rank_grades(run, qrels, _deepest(wanted))
    lists = token_budget.cut_lists(run, qrels, ranked, wanted)
    columns = [
        compute(metric.definition, lists.get(metric.budget_tokens, ranked), metric)
        if metric.definition
        else providers.values(run, qrels, metric, ranked.query_ids)
        for metric in wanted
    ]
    values = np.column_stack(columns) if columns else np.empty((len(ranked.query_ids), 0))
    return MetricValues(run.tag, tuple(m.label for m in wanted), ranked.query_ids, values)


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
