"""What budgets of tokens did to the lists of each system at each depth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from evalkit.metrics import parse_metrics
from evalkit.metrics.budget_use import budget_use
from evalkit.records import Qrels
from evalkit.results.token_budget_rows import TokenBudgetRow
from evalkit.summaries.quality_cells import QualityCell


def token_budget_rows(
    cells: Iterable[QualityCell], qrels: Mapping[str, Qrels], metrics: Sequence[str]
) -> tuple[TokenBudgetRow, ...]:
    """Return a row for each system, depth and metric with a budget; none without such a metric."""
    budgets = [metric for metric in parse_metrics(metrics) if metric.budget_tokens is not None]
    if not budgets:
        return ()
    return tuple(
        TokenBudgetRow(cell.dataset, cell.reranker, cell.depth, budget_use(cell.run, judged, metric))
        for cell in cells
        for judged in (qrels[cell.dataset].restricted_to(cell.values.query_ids),)
        for metric in budgets
    )
