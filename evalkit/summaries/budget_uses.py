"""What budgets of tokens did to the lists of each system at each depth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from evalkit.metrics import parse_metrics
from evalkit.metrics.budget_use import budget_use
from evalkit.records import Qrels
from evalkit.results.summary_document import Summary
from evalkit.results.token_budget_rows import TokenBudgetRow
from evalkit.summaries.quality_cells import QualityCell


def with_budget_uses(
    summary: Summary, cells: Iterable[QualityCell], qrels: Mapping[str, Qrels], metrics: Sequence[str]
) -> Summary:
    """Return a summary with a row for each system, depth and metric with a budget; as it is without such a metric."""
    budgets = [metric for metric in parse_metrics(metrics) if metric.budget_tokens is not None]
    rows = tuple(
        TokenBudgetRow(cell.dataset, cell.reranker, cell.depth, budget_use(cell.run, judged, metric))
        for cell in (cells if budgets else ())
        for judged in (qrels[cell.dataset].restricted_to(cell.values.query_ids),)
        for metric in budgets
    )
    return replace(summary, token_budgets=rows) if rows else summary
