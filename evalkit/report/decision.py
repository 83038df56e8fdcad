"""The summary table of a report: quality, verdict, latency and cost of each system in one row."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.comparison import Comparison, Plan
from evalkit.report.comparison import tied_text
from evalkit.report.numbers import NO_VALUE, cost_text, difference_text, interval_text, milliseconds
from evalkit.report.table import Table
from evalkit.report.verdict import price_of
from evalkit.results.comparison_document import Comparisons, DatasetComparisons
from evalkit.results.summary_document import QualityRow, Summary
from evalkit.results.tuning_document import Tuning
from evalkit.tuning import Choice

_ALWAYS = 5
"""Number of columns, from the left, that are shown even if they have no value."""


def decision_tables(compared: Comparisons, summary: Summary, tuned: Tuning) -> list[Table]:
    """Return one table for each dataset, the highest mean first."""
    return [_table(entry, compared.plan, summary, tuned) for entry in compared.datasets]


def _table(entry: DatasetComparisons, plan: Plan, summary: Summary, tuned: Tuning) -> Table:
    dataset, depth = entry.dataset, entry.depth
    comparisons = {one.contender: one for one in entry.comparisons}
    needed = {one.reranker: _needed(one.choice) for one in tuned.depth if one.dataset == dataset}
    rows = [
        row
        for row in summary.quality
        if (row.dataset, row.depth, row.metric) == (dataset, depth, plan.primary)
    ]
    cells = [
        (
            *_quality_cells(row, comparisons.get(row.reranker), entry.tied_with.get(row.reranker, ())),
            *_price_cells(summary, row),
            str(needed.get(row.reranker) or NO_VALUE),
        )
        for row in sorted(rows, key=lambda row: -(row.mean.estimate or 0.0))
    ]
    columns = (
        "system", "verdict", "tied with", plan.primary, f"difference to {plan.baseline}", "p50 (ms)", "p95 (ms)",
        "$", "enough",
    )  # fmt: skip
    shown = _shown(cells)
    note = (
        f"{depth} candidates a query. Intervals: {plan.confidence:.0%}; those of differences hold together."
        f" Verdict: corrected test against {plan.baseline}. Tied with: no significant difference. p50 and p95: one call"
        f" with {depth} documents. $: per 1,000 queries. Enough: the smallest depth within the margin of the deepest,"
        f" where held-out queries confirm it. '{NO_VALUE}': unknown."
    )
    chosen = tuple(tuple(row[place] for place in shown) for row in cells)
    return Table(
        f"{dataset}: what to decide by", tuple(columns[place] for place in shown), chosen, note, left=3
    )


def _quality_cells(row: QualityRow, comparison: Comparison | None, tied: Sequence[str]) -> tuple[str, ...]:
    return (
        row.reranker,
        "baseline" if comparison is None else comparison.verdict,
        tied_text(tied),
        interval_text(row.mean),
        difference_text(None if comparison is None else comparison.joint_change),
    )


def _price_cells(summary: Summary, row: QualityRow) -> tuple[str, ...]:
    price = price_of(summary, row.dataset, row.reranker, row.depth)
    return milliseconds(price.p50_s), milliseconds(price.p95_s), cost_text(price.usd_per_thousand_queries)


def _shown(cells: Sequence[Sequence[str]]) -> list[int]:
    """Return the indices of the columns to show: a column without any value is left out."""
    columns = zip(*cells, strict=True)
    return [place for place, values in enumerate(columns) if place < _ALWAYS or {*values} != {NO_VALUE}]


def _needed(choice: Choice) -> int | None:
    """Return the recommended depth; None if the held-out queries do not confirm it."""
    confirmed = choice.checked is None or choice.checked.status in {"PASS", "IDENTICAL"}
    return choice.recommended if confirmed else None
