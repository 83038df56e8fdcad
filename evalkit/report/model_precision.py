"""The effect of a lower precision as a table and as sentences."""

from __future__ import annotations

from evalkit.report.numbers import NO_VALUE, difference_text, interval_text
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
        "dataset", "reranker", "precision", "Kendall's tau", f"{metric} in fp32", "difference", "largest score shift",
        "n",
    )  # fmt: skip
    note = (
        f"A sample of n answerable queries scored again in fp32: means with {summary.confidence:.0%} intervals."
        " Kendall's tau-b is of a query's two lists of scores; the difference is what the precision changes."
    )
    return [Table("What fewer bits cost", columns, cells, note, left=3)]


def precision_lines(summary: Summary) -> list[str]:
    """Return a sentence for each reranker that ran with a lower precision than fp32."""
    return [_line(row) for row in summary.precision]


def _line(row: PrecisionCost) -> str:
    about = f"{row.dataset}: what {row.precision} costs {row.reranker}"
    if row.missing is not None:
        return f"{about} is not known: {row.missing}."
    tau = row.correlation
    ranks = f"ranks agree with fp32 at tau {tau.estimate:.3f}" if tau.n else "its scores are all alike"
    return f"{about}: {difference_text(row.difference)} {row.metric}, n = {row.difference.n}; {ranks}."
