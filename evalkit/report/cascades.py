"""Cascades as a table and as sentences: composed and timed latency, skipped stages, cost."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.report.numbers import NO_VALUE, cost_text, milliseconds_text, share_text
from evalkit.report.table import Table
from evalkit.results.cascade_rows import CascadeRow, ComposedLatency
from evalkit.results.summary_document import Summary

_NOTE = (
    "One call in flight, in milliseconds. Composed: sums of timed calls of the stages, each with as many documents as"
    " the stage scores in the cascade, for different queries with documents of similar length. Timed: the whole"
    " cascade. Skipped: share of the queries for which only the first stage is called. Cost: of the first stage for all"
    " candidates, and of the later stages for what reaches them."
)


def cascade_tables(summary: Summary) -> list[Table]:
    """Return one table of all cascades; none without a cascade."""
    columns = (
        "dataset", "cascade", "candidates", "p50 composed", "p50 timed", "p95 composed", "p95 timed", "skipped",
        "$ per 1,000 queries",
    )  # fmt: skip
    cells = tuple(_cells(row) for row in summary.cascades or ())
    if not cells:
        return []
    return [
        Table("Cascades: composed latency", columns, cells, _NOTE, left=2, keys=2).without_empty_columns()
    ]


def cascade_lines(summary: Summary) -> Iterator[str]:
    """Yield the share of skipped queries of each cascade, and why a latency is not known."""
    for row in summary.cascades or ():
        name = f"{row.dataset}: {row.reranker}"
        if row.skipped is not None and row.skipped.estimate is not None:
            yield f"{name}: the later stages are skipped for {share_text(row.skipped)} of the queries."
        if row.latency_unknown is not None and summary.latency:
            yield f"{name}: latency unknown: {row.latency_unknown}."
        if row.p50_s is not None and row.p50_s.timed is not None and row.p50_s.timed.estimate is not None:
            composed, timed = (milliseconds_text(one) for one in (row.p50_s.composed, row.p50_s.timed))
            yield f"{name}: median latency composed of its stages {composed} ms, timed as a whole {timed} ms."


def _cells(row: CascadeRow) -> tuple[str, ...]:
    return (
        row.dataset,
        row.reranker,
        str(row.depth),
        *_latency(row.p50_s),
        *_latency(row.p95_s),
        NO_VALUE if row.skipped is None else share_text(row.skipped),
        cost_text(row.usd_per_thousand_queries),
    )


def _latency(found: ComposedLatency | None) -> tuple[str, str]:
    """Return the composed and the timed figure."""
    if found is None:
        return NO_VALUE, NO_VALUE
    return milliseconds_text(found.composed), NO_VALUE if found.timed is None else milliseconds_text(
        found.timed
    )
