"""The tables of a report, as text cells: the same ones in the terminal, in Markdown and in HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NO_VALUE = "-"
_MARKED = re.compile(r"[\\`*|<~]|\](?=[(\[:])|(?<!\w)_|_(?!\w)|(?<=&)#|&(?=\w+;)")
"""What Markdown would not show as it is; intervals in brackets and names_like_this are left alone."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text.

    Attributes
    ----------
    title
        Heading.
    columns
        Column headings; the first `left` columns are text, the others numbers.
    rows
        Cells.
    note
        How to read it; may be empty.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    left: int = 1


def result_tables(summary: Mapping[str, Any]) -> list[Table]:
    """Return the tables a user decides by: quality at the largest depth; see also `latency_tables`."""
    return [_quality(summary, entry["name"]) for entry in summary["datasets"] if summary["quality"]]


def depth_tables(summary: Mapping[str, Any]) -> list[Table]:
    """Return quality at the depths that were asked for, where they are several."""
    names = [entry["name"] for entry in summary["datasets"]]
    return [_by_depth(summary, name) for name in names if len(_depths(summary, name)) > 1]


def call_tables(summary: Mapping[str, Any]) -> list[Table]:
    """Return what calls came to: attempts, cost, the servers' own times."""
    return [_calls(summary), *_costs(summary), *_server_times(summary)]


def _rows(rows: Sequence[Mapping[str, Any]], dataset: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["dataset"] == dataset]


def _depths(summary: Mapping[str, Any], dataset: str) -> list[int]:
    return [c["depth"] for c in _rows(summary["ceilings"], dataset)]


def _quality(summary: Mapping[str, Any], dataset: str) -> Table:
    rows = _rows(summary["quality"], dataset)
    depth = max(_depths(summary, dataset))
    at_depth = [r for r in rows if r["depth"] == depth]
    metrics = list(dict.fromkeys(r["metric"] for r in at_depth))
    primary, first = summary["primary_metric"], summary["first_stage"]
    cells = []
    for tag in dict.fromkeys(r["reranker"] for r in at_depth):
        of_tag = {r["metric"]: r for r in at_depth if r["reranker"] == tag}
        means = [mean_text(of_tag[metric]) for metric in metrics]
        head = of_tag[primary]
        asked = f"{head['n']}" if not head["not_scored"] else f"{head['n']} ({head['not_scored']} not scored)"
        cells.append((tag, *means, difference_text(head["difference"]), asked))
    note = (
        f"Means with {_percent(summary)} t intervals over n answerable queries, {depth} candidates each;"
        f" '{primary} - {first}' is the mean paired difference with its interval."
    )
    return Table(
        f"{dataset}: quality", ("reranker", *metrics, f"{primary} - {first}", "n"), tuple(cells), note
    )


def _by_depth(summary: Mapping[str, Any], dataset: str) -> Table:
    metric = summary["primary_metric"]
    rows = [r for r in _rows(summary["quality"], dataset) if r["metric"] == metric]
    ceilings = _rows(summary["ceilings"], dataset)
    depths = [c["depth"] for c in ceilings]
    cells = []
    for tag in dict.fromkeys(r["reranker"] for r in rows):
        held = {r["depth"]: r for r in rows if r["reranker"] == tag}
        cells.append((tag, *(mean_text(held[d]) for d in depths)))
    cells.append(("best possible order", *(number(c["best_order"][metric]) for c in ceilings)))
    cells.append(("recall of the candidates", *(number(c["recall"]["mean"]) for c in ceilings)))
    note = "The last two rows bound every reranker: they depend on the first stage alone."
    return Table(f"{dataset}: {metric} by depth", ("reranker", *map(str, depths)), tuple(cells), note)


def data_table(summary: Mapping[str, Any]) -> Table:
    """Return what every dataset holds."""
    cells = []
    for entry in summary["datasets"]:
        counts = entry["counts"]
        lists = entry["candidates"]
        cells.append(
            (
                entry["name"],
                entry["location"],
                str(counts["documents"]),
                str(counts["answerable_queries"]),
                str(counts["unanswerable_queries"]),
                str(entry["empty_queries"]),
                str(counts["judgments"]),
                f"{lists['shortest_list']} to {lists['longest_list']}",
            )
        )
    note = (
        "Means are over answerable queries: those with any grade above 0. Unanswerable ones were judged and"
        " nothing answers them. Empty ones found no candidate: they count as 0, and no call was made."
    )
    columns = (
        "dataset", "source", "documents", "answerable", "unanswerable", "empty", "judgments", "candidates a query",
    )  # fmt: skip
    return Table("Data", columns, tuple(cells), note, left=2)


def _calls(summary: Mapping[str, Any]) -> Table:
    cells = [
        (
            r["dataset"],
            r["reranker"],
            r["pass"],
            str(r["calls"]),
            str(r["retried"]),
            str(r["throttled"]),
            str(r["failed"]),
            str(r["documents"]),
            _amounts(r),
            NO_VALUE if r["connections_reused"] is None else f"{r['connections_reused']:.0%}",
        )
        for r in summary["calls"]
    ]
    columns = (
        "dataset", "reranker", "pass", "calls", "retried", "429s", "failed", "documents", "billed",
        "connections reused",
    )  # fmt: skip
    note = (
        "A call is one attempt; a retried one failed and was followed by another. Documents are those scored."
        " Billed is what the backend said, '-' where it said nothing."
    )
    return Table("Calls", columns, tuple(cells), note, left=3)


_UNITS = {"tokens": "tokens", "units": "units", "billed_bytes": "bytes", "characters": "characters"}


def _amounts(row: Mapping[str, Any]) -> str:
    """Return what a backend said it billed, and in how many calls it did not say."""
    told = []
    for name, unit in _UNITS.items():
        if row[name] is not None:
            silent = row[f"calls_without_{name}"]
            told.append(
                f"{row[name]:g} {unit}" if row[name] != int(row[name]) else f"{int(row[name])} {unit}"
            )
            told[-1] += f" ({silent} calls do not say)" if silent else ""
    return ", ".join(told) or NO_VALUE


def _costs(summary: Mapping[str, Any]) -> list[Table]:
    cells = [
        (
            r["dataset"],
            r["reranker"],
            price_text(r["price"]),
            str(r["queries"]),
            dollars(r["cost_usd"]),
            dollars(r["usd_per_thousand_queries"]),
        )
        for r in summary["costs"]
    ]
    columns = ("dataset", "reranker", "price", "queries", "cost", "a thousand queries")
    note = "Cost of the quality pass, all depths it was asked for; n/a where a call did not tell the amount billed."
    return [Table("Cost", columns, tuple(cells), note, left=3)] if cells else []


def _server_times(summary: Mapping[str, Any]) -> list[Table]:
    cells = [
        (
            r["dataset"],
            r["reranker"],
            r["name"],
            r["of"],
            r["pass"],
            str(r["calls"]),
            f"{milliseconds(r['median_s'])} [{milliseconds(r['lower_s'])}, {milliseconds(r['upper_s'])}]"
            if r["median_s"] is not None
            else f"n/a (has {r['calls']})",
        )
        for r in summary["server_times"]
    ]
    columns = ("dataset", "reranker", "told in", "time of", "pass", "calls", "median")
    note = "Milliseconds the servers say they worked. Only 'request' may be set against a call's latency."
    return [Table("Servers' own times (ms)", columns, tuple(cells), note, left=5)] if cells else []


def price_text(price: Mapping[str, Any] | None) -> str:
    """Return a price with its day."""
    if price is None:
        return "as the API reports"
    rates = [
        f"${value:g} {key.removeprefix('usd_').replace('_', ' ')}"
        for key, value in price.items()
        if key != "as_of"
    ]
    return f"{', '.join(rates)} as of {price['as_of']}"


def dollars(amount: float | None) -> str:
    """Return US dollars with six decimals below a cent."""
    if amount is None:
        return "n/a"
    return f"${amount:.4f}" if amount >= 0.01 or amount == 0 else f"${amount:.6f}"


def number(value: float | None) -> str:
    """Return a value of a metric with four decimals."""
    return NO_VALUE if value is None else f"{value:.4f}"


def mean_text(row: Mapping[str, Any]) -> str:
    """Return a mean with its interval."""
    if row["lower"] is None:
        return number(row["mean"])
    return f"{row['mean']:.4f} [{row['lower']:.4f}, {row['upper']:.4f}]"


def difference_text(row: Mapping[str, Any] | None) -> str:
    """Return a signed mean difference with its interval."""
    if row is None or row["mean"] is None:
        return NO_VALUE
    if row["lower"] is None:
        return f"{row['mean']:+.4f}"
    return f"{row['mean']:+.4f} [{row['lower']:+.4f}, {row['upper']:+.4f}]"


def quantile_text(row: Mapping[str, Any]) -> str:
    """Return a quantile with its interval in milliseconds, or why there is none."""
    if row["estimate"] is None:
        return f"n/a (needs {row['needs']} queries, has {row['n']})"
    return f"{milliseconds(row['estimate'])} [{milliseconds(row['lower'])}, {milliseconds(row['upper'])}]"


def milliseconds(seconds: float | None) -> str:
    """Return seconds as milliseconds with three significant digits."""
    if seconds is None:
        return NO_VALUE
    value = seconds * 1000
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _percent(summary: Mapping[str, Any]) -> str:
    return f"{summary['confidence']:.0%}"


def markdown_text(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _MARKED.sub(r"\\\g<0>", " ".join(text.split()))


def as_markdown(table: Table) -> str:
    """Return a table in Markdown, without its title and note."""
    rule = ["---"] * table.left + ["---:"] * (len(table.columns) - table.left)
    rows = [[markdown_text(cell) for cell in row] for row in (table.columns, *table.rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (rows[0], rule, *rows[1:]))


def as_text(table: Table) -> str:
    """Return a table for a terminal, with its title above and its note below."""
    lines = [table.columns, *table.rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.columns))]
    rendered = [
        "  ".join(
            cell.ljust(width) if i < table.left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    rendered.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([table.title, "", *rendered, *([table.note] if table.note else []), ""])
