"""A leaderboard as a table for people, Markdown or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.report.tables import NO_VALUE, Table, as_markdown, dollars, mean_text, milliseconds


def leaderboard_table(board: Mapping[str, Any]) -> Table:
    """Return one group's table."""
    batch = board["batch_size"]
    cells = tuple(
        (
            str(row["rank"]),
            row["system"],
            ", ".join(row["tied_with"]) or NO_VALUE,
            row["result"],
            mean_text(row),
            milliseconds(row["p50_s"]),
            NO_VALUE if row["usd_per_thousand_queries"] is None else dollars(row["usd_per_thousand_queries"]),
            NO_VALUE if row["dominated_by"] is None else ", ".join(row["dominated_by"]) or "no",
            str(row["n"]),
        )
        for row in board["rows"]
    )
    columns = (
        "rank", "system", "tied with", "result", board["metric"],
        f"p50 of batch {batch} (ms)" if batch else "p50 (ms)", "$ a thousand queries", "beaten by", "n",
    )  # fmt: skip
    apart = f" Apart from the table above: {board['why']}." if board["why"] else ""
    note = (
        f"Means with {board['confidence']:.0%} t intervals. Tied: not told apart, all pairs tested with Holm's"
        " correction. Beaten: another one of the same run is better and faster, and both intervals say so; latencies"
        f" of different runs are not set against each other.{apart}"
    )
    depth = f", depth {board['depth']}" if board["depth"] else ""
    return Table(f"{board['dataset']}{depth}", columns, cells, note, left=4)


def as_page(boards: Sequence[Mapping[str, Any]]) -> str:
    """Return all groups as Markdown."""
    lines = ["# Leaderboard", ""]
    for table in map(leaderboard_table, boards):
        lines += [f"## {table.title}", "", as_markdown(table), "", table.note, ""]
    return "\n".join(lines)


def as_csv(boards: Sequence[Mapping[str, Any]]) -> str:
    """Return all groups as one CSV table."""
    rows = [
        {
            "dataset": board["dataset"],
            "depth": board["depth"],
            "metric": board["metric"],
            **row,
            "tied_with": " ".join(row["tied_with"]),
            "dominated_by": None if row["dominated_by"] is None else " ".join(row["dominated_by"]),
            "why_apart": board["why"],
        }
        for board in boards
        for row in board["rows"]
    ]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
