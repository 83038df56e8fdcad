"""A leaderboard as text, Markdown, HTML or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from evalkit.report.drawing import COLOURS, Plot, drawing, new_axes, picture
from evalkit.report.numbers import NO_VALUE, cost_text, interval_text, milliseconds
from evalkit.report.table import Table, as_markdown
from evalkit.report.templating import page_templates
from evalkit.results.json_shapes import to_plain
from evalkit.results.leaderboard_document import Leaderboard


def leaderboard_table(board: Leaderboard) -> Table:
    """Return the table of one leaderboard."""
    batch = board.batch_size
    cells = tuple(
        (
            str(row.rank),
            row.system,
            ", ".join(row.tied_with) or NO_VALUE,
            row.result,
            interval_text(row.mean),
            milliseconds(row.p50_s),
            cost_text(row.usd_per_thousand_queries),
            NO_VALUE if row.dominated_by is None else ", ".join(row.dominated_by) or "no",
            str(row.mean.n),
        )
        for row in board.rows
    )
    columns = (
        "rank", "system", "tied with", "result", board.metric,
        f"p50 of batch {batch} (ms)" if batch else "p50 (ms)", "$ a thousand queries", "beaten by", "n",
    )  # fmt: skip
    apart = f" Apart from the table above: {board.why}." if board.why else ""
    note = (
        f"Means with {board.confidence:.0%} intervals. Tied: no significant difference, all pairs tested with Holm's"
        " correction. Beaten: another one of the same run is better and faster, and both intervals say so; latencies"
        f" of different runs are not set against each other.{apart}"
    )
    depth = f", depth {board.depth}" if board.depth else ""
    return Table(f"{board.dataset}{depth}", columns, cells, note, left=4)


def as_markdown_page(boards: Sequence[Leaderboard]) -> str:
    """Return all leaderboards as Markdown."""
    lines = ["# Leaderboard", ""]
    for table in map(leaderboard_table, boards):
        lines += [f"## {table.title}", "", as_markdown(table), "", table.note, ""]
    return "\n".join(lines)


def as_html_page(boards: Sequence[Leaderboard]) -> str:
    """Return all leaderboards as one self-contained HTML page, each with a plot of its intervals."""
    with drawing():
        shown = [
            {"table": leaderboard_table(board), "plot": _draw(board, number)}
            for number, board in enumerate(boards)
        ]
    return page_templates().get_template("leaderboard.html").render(boards=shown)


def _draw(board: Leaderboard, number: int) -> Plot:
    """Draw every mean with its interval, the best on top."""
    rows = [(row.system, row.mean) for row in board.rows if row.mean.estimate is not None]
    title = f"{board.dataset}: {board.metric}"
    axes = new_axes(title, board.metric, "")
    axes.figure.set_size_inches(7.2, 1.2 + 0.32 * len(rows))  # type: ignore[union-attr]
    for place, (_, mean) in enumerate(rows):
        at = mean.estimate or 0.0
        lower, upper = (at if bound is None else bound for bound in (mean.lower, mean.upper))
        bars = [[at - lower], [upper - at]]
        axes.errorbar([at], [place], xerr=bars, fmt="o", ms=5, lw=1.6, capsize=3, color=COLOURS[0])
    axes.set_yticks(range(len(rows)), [system for system, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    caption = (
        f"Means with {board.confidence:.0%} intervals. Two systems whose intervals overlap may still"
        " differ significantly, as they have the same queries: the table lists ties."
    )
    return picture(axes, f"board-{number}", title, caption)


def as_csv(boards: Sequence[Leaderboard]) -> str:
    """Return all leaderboards as one CSV table."""
    rows = [
        {
            "dataset": board.dataset,
            "depth": board.depth,
            "metric": board.metric,
            **to_plain(row),
            "tied_with": " ".join(row.tied_with),
            "dominated_by": None if row.dominated_by is None else " ".join(row.dominated_by),
            "why_apart": board.why,
        }
        for board in boards
        for row in board.rows
    ]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
