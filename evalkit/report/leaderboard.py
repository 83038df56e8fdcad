"""A leaderboard as text, Markdown, HTML or CSV."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.charts.chart import Axis, Chart, Panel, Points, Spot, Tick
from evalkit.formats.csv_text import csv_text
from evalkit.plurals import queries_of
from evalkit.report.candidate_counts import reached
from evalkit.report.judged_by import why_without_verdict
from evalkit.report.numbers import NO_VALUE, cost_text, interval_text, level_text, milliseconds
from evalkit.report.table import Table, as_markdown
from evalkit.report.templating import page_templates
from evalkit.results.json_shapes import to_plain
from evalkit.results.leaderboard_document import Leaderboard


def leaderboard_table(board: Leaderboard) -> Table:
    """Return the table of one leaderboard."""
    batch = board.batch_size
    cells = tuple(
        (
            NO_VALUE if row.rank is None else str(row.rank),
            row.system,
            ", ".join(row.tied_with) or NO_VALUE,
            row.result,
            f"{interval_text(row.mean)}{' (indication)' if row.indication else ''}",
            milliseconds(row.p50_s),
            cost_text(row.usd_per_thousand_queries),
            NO_VALUE if row.dominated_by is None else ", ".join(row.dominated_by) or "no",
            str(row.mean.n),
        )
        for row in board.rows
    )
    columns = (
        "rank", "system", "no significant difference from", "result", board.metric,
        f"p50 of batch {batch} (ms)" if batch else "p50 (ms)", "$ per 1,000 queries", "dominated by", "queries",
    )  # fmt: skip
    apart = f" Not comparable with the table above: {board.why}." if board.why else ""
    note = f"Means with {level_text(board.confidence)} intervals. "
    if board.judged_by in {None, "corrected"}:
        note += "Differences: all pairs tested with Holm's correction. Dominated: another system of the same run is"
        note += " significantly better and faster."
        note += _corrected_note(board)
    else:
        note += (
            f"{why_without_verdict(board.judged_by)}: no difference is tested, and the order is no verdict."
        )
    note += apart
    runs = [row.system for row in board.rows if row.is_run]
    if runs:
        note += f" Runs with candidates of their own, without a depth: {', '.join(runs)}."
    for row in board.rows:
        if row.missing:
            note += f" {row.system} lacks {row.missing} of {row.averaged} judged queries: each counts as 0"
            note += ", so it has no rank." if row.rank is None else "."
    depth = f", depth {reached(board.depth, board.candidates)}" if board.depth else ""
    return Table(f"{board.dataset}{depth}", columns, cells, note, left=4, keys=2).without_empty_columns()


def _corrected_note(board: Leaderboard) -> str:
    """Return what means and differences rest on where people's grades correct those of a judge."""
    if board.judged_by is None:
        return ""
    note = " People's grades of a random sample correct those of the judge, in means and in each difference (Student's"
    note += " t test)."
    if board.unrated_queries:
        note += f" People have not judged all documents of {queries_of(board.unrated_queries)} of the human sample:"
        note += " systems that rank them have uncorrected means, which are an indication, and no difference is tested."
    return note


def as_markdown_page(boards: Sequence[Leaderboard]) -> str:
    """Return all leaderboards as Markdown."""
    lines = ["# Leaderboard", ""]
    for table in map(leaderboard_table, boards):
        lines += [f"## {table.title}", "", as_markdown(table), "", table.note, ""]
    return "\n".join(lines)


def as_html_page(boards: Sequence[Leaderboard]) -> str:
    """Return all leaderboards as one self-contained HTML page, each with a chart of its intervals."""
    shown = [
        {"table": leaderboard_table(board), "plot": board_chart(board, number)}
        for number, board in enumerate(boards)
    ]
    return page_templates().get_template("leaderboard.html").render(boards=shown)


def board_chart(board: Leaderboard, number: int) -> Chart:
    """Return every mean with its interval, the best on top."""
    rows = [row for row in board.rows if row.mean.estimate is not None]
    marks = tuple(
        Points(
            row.system, "system-0",
            (Spot(row.mean.estimate or 0.0, place, left=row.mean.lower, right=row.mean.upper,
                  text=(row.system, f"{board.metric}: {interval_text(row.mean, '.6g')}", f"queries: {row.mean.n}")),),
            named=False,
        )
        for place, row in enumerate(rows)
    )  # fmt: skip
    names = tuple(Tick(place, row.system) for place, row in enumerate(rows))
    return Chart(
        name=f"board-{number}",
        title=f"{board.dataset}: {board.metric}",
        caption=(
            f"Means with {level_text(board.confidence)} intervals. Systems whose intervals overlap may still differ"
            " significantly, because they have the same queries: the table lists ties."
        ),
        x=Axis(f"mean {board.metric}"),
        panels=(Panel(Axis("", "category", ticks=names), marks),),
        stops_by="spot",
    )


def as_csv(boards: Sequence[Leaderboard]) -> str:
    """Return all leaderboards as one CSV table."""
    rows = [
        {
            "dataset": board.dataset,
            "depth": board.depth_of(row),
            "metric": board.metric,
            **to_plain(row),
            "tied_with": " ".join(row.tied_with),
            "dominated_by": None if row.dominated_by is None else " ".join(row.dominated_by),
            "why_apart": board.why,
        }
        for board in boards
        for row in board.rows
    ]
    return csv_text(dict.fromkeys(name for row in rows for name in row), rows)
