"""The effect of a lower precision as a table and as sentences."""

from __future__ import annotations

from evalkit.report.numbers import NO_VALUE, difference_text, interval_text, level_text
from evalkit.report.table import Table
from evalkit.results.summary_document import PrecisionCost, Summary


def precision_tables(summary: Summary) -> list[Table]:
    """Return the table of the comparisons with fp32; empty if there are none."""
    rows = [row for row in summary.precision if row.missing is None]
    if not rows:
        return []
    metric = summary.primary_metric
    cells = tuple(
        (
            row.dataset,
            row.reranker,
            row.precision,
            interval_text(row.correlation) if row.correlation.n else NO_VALUE,
            interval_text(row.in_fp32),
            difference_text(row.difference),
            f"{row.largest:.3g}",
            str(row.difference.n),
        )
        for row in rows
    )
    columns = (
        "dataset", "reranker", "precision", "Kendall's tau", f"{metric} in fp32", "difference",
        "largest score difference", "queries",
    )  # fmt: skip
    note = (
        f"A sample of queries was scored again in fp32; means with {level_text(summary.confidence)} intervals."
        " Kendall's tau-b:"
        " between a query's scores in both precisions. Difference: lower precision minus fp32."
    )
    return [Table("Effect of the lower precision", columns, cells, note, left=3)]


def precision_lines(summary: Summary) -> list[str]:
    """Return a sentence for each reranker that ran with a lower precision than fp32."""
    return [_line(row) for row in summary.precision]


def _line(row: PrecisionCost) -> str:
    about = f"{row.dataset}: {row.reranker} in {row.precision}"
    if row.missing is not None:
        return f"{about}: the effect of the precision is unknown: {row.missing}."
    tau = row.correlation
    ranks = f"Kendall's tau with fp32 is {tau.estimate:.3f}" if tau.n else "all its scores are equal"
    change = (
        f"{difference_text(row.difference)} {row.metric} compared with fp32 on {row.difference.n} queries"
    )
    return f"{about}: {change}; {ranks}."
