"""What a budget of tokens did to the lists of a run: documents left out, tokens used, and how exact the ideal is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit.metrics.evaluation import apply_parameters
from evalkit.metrics.metric import Metric
from evalkit.metrics.ranked import rank_grades
from evalkit.metrics.token_budget import cut_lists, list_lengths
from evalkit.records import Qrels, Run


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """The lists of a run at a budget of tokens, over the averaged queries.

    Attributes
    ----------
    metric
        Label of the metric with the budget.
    queries
        Averaged queries.
    queries_cut
        Those whose list ends at the budget; the other lists fit as a whole.
    documents_left_out
        Documents of these lists that are not counted: the one that crosses the budget, and all after it.
    mean_documents, mean_tokens
        Documents of a list that fit, and their tokens; None without queries.
    queries_without_documents
        Queries whose first document alone is longer than the budget.
    queries_with_bound
        Queries whose ideal list is an upper bound, so that their value is a lower one.
    """

    metric: str
    queries: int
    queries_cut: int
    documents_left_out: int
    mean_documents: float | None
    mean_tokens: float | None
    queries_without_documents: int
    queries_with_bound: int


def budget_use(run: Run, qrels: Qrels, metric: Metric) -> BudgetUse:
    """Return what the budget of a metric did to the lists of a run.

    Raises
    ------
    InputError
        If the length of a ranked document is unknown.
    ValueError
        If the metric has no budget.
    """
    if metric.budget_tokens is None or metric.definition is None:
        raise ValueError(f"{metric.label} has no budget")
    ranked = rank_grades(run, qrels)
    lengths = list_lengths(run, qrels, ranked.query_ids, metric)
    inside = lengths.used <= metric.budget_tokens
    ends = lengths.ends(metric.budget_tokens, len(ranked))
    used = np.zeros(len(ranked), dtype=np.int64)
    np.maximum.at(used, lengths.query[inside], lengths.used[inside])
    left_out = ranked.retrieved - ends
    bound = 0
    if metric.definition.ideal_bound is not None:
        lists = cut_lists(run, qrels, ranked, [metric])[metric.budget_tokens]
        bound = int(metric.definition.ideal_bound(apply_parameters(lists, metric), metric).sum())
    return BudgetUse(
        metric=metric.label,
        queries=len(ranked),
        queries_cut=int((left_out > 0).sum()),
        documents_left_out=int(left_out.sum()),
        mean_documents=float(ends.mean()) if len(ends) else None,
        mean_tokens=float(used.mean()) if len(used) else None,
        queries_without_documents=int(((ends == 0) & (left_out > 0)).sum()),
        queries_with_bound=bound,
    )
