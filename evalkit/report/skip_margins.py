"""Margins from which a cascade skips its later stages, as sentences and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.report.judged_by import capital, rests_on_text
from evalkit.report.numbers import cost_text, difference_text, interval_text, share_text, value_text
from evalkit.report.table import Table
from evalkit.results.search_document import MarginRow, SearchResult


def margin_lines(result: SearchResult, rows: Sequence[MarginRow]) -> Iterator[str]:
    """Yield the chosen margin and the configured one, with skips and difference on the held-out queries."""
    name = f"{result.dataset}: {result.reranker}"
    if not rows:
        yield f"{name}: no query has a relevant document, so nothing was searched."
    for row in rows:
        if row.chosen:
            yield f"{name}: {_advice(result, row)}{rests_on_text(result.rests_on)}"
        if row.configured and row.margin is not None:
            yield f"{name}: configured margin {row.margin:g}. {_held_out(result, row)}"


def _advice(result: SearchResult, row: MarginRow) -> str:
    """Return whether to skip the later stages: only from a margin that the held-out queries confirm."""
    loss = f"{result.margin:g} {result.metric}"
    if result.why_not is not None:
        found = "no margin" if row.margin is None else f"a margin of {row.margin:.6g}"
        what = f"the tuning queries suggest {found} for a loss of at most {loss}"
        return f"{what}. {capital(result.why_not)}. {_held_out(result, row)}"
    if row.margin is None:
        return f"never skip the later stages: every margin loses more than {loss} on the tuning queries."
    if row.status in {"PASS", "IDENTICAL"}:
        return (
            f"skip the later stages from a margin of {row.margin:.6g} on. Held-out queries confirm that this loses at"
            f" most {loss}. {_held_out(result, row)}"
        )
    if row.status == "FAIL":
        return (
            f"never skip the later stages: the margin that the tuning queries allow loses more than {loss} on the"
            f" held-out ones. {_held_out(result, row)}"
        )
    return (
        f"no margin is confirmed to lose at most {loss}. On the tuning queries {row.margin:.6g} skips most within this"
        f" loss. {_held_out(result, row)}"
    )


def _held_out(result: SearchResult, row: MarginRow) -> str:
    return (
        f"Held-out: {share_text(row.skipped)} of the queries skip them; {difference_text(row.to_never)} {result.metric}"
        " to never skipping."
    )


def margin_table(result: SearchResult, rows: Sequence[MarginRow]) -> Table:
    """Return every margin, never skipping first."""
    columns = (
        "margin",
        "queries that skip",
        "tuning",
        "held-out",
        "difference to never",
        "$ per 1,000 queries",
    )
    cells = tuple(
        (
            "never" if row.margin is None else value_text(row.margin, ".6g"),
            share_text(row.skipped),
            value_text(row.tuned),
            interval_text(row.held_out),
            difference_text(row.to_never),
            cost_text(row.usd_per_thousand_queries),
        )
        for row in rows
    )
    note = (
        "Margin: score of the first stage at rank 1 minus rank 2, from which the later stages are skipped. Skips,"
        f" {result.metric} and difference are on held-out queries; tuning figures are optimistic."
    )
    title = f"{result.dataset}: {result.reranker}: margins"
    return Table(
        title, columns, cells, note, dataset=result.dataset, system=result.reranker
    ).without_empty_columns()
