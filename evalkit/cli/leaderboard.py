"""``evalkit leaderboard``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli.output import echo_json, echo_text


@click.command()
@click.argument("results", metavar="RESULT...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--metric",
    metavar="METRIC",
    help="Metric of the ranking [default: the primary metric of the first folder].",
)
@click.option(
    "--allow-incomplete", is_flag=True, help="Also accept folders with queries that have no scores."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "markdown", "html", "csv", "json"]),
    default="table",
    show_default=True,
)
def leaderboard(results: tuple[Path, ...], metric: str | None, form: str, *, allow_incomplete: bool) -> None:
    """Rank the rerankers and runs of several results.

    Prints confidence intervals, ties, latency and cost. Folders with different queries, judgments, candidates,
    depth or below_depth are ranked in separate tables, with the reason.
    """
    from evalkit.report.leaderboard import as_csv, as_html_page, as_markdown_page, leaderboard_table
    from evalkit.report.table import as_text
    from evalkit.results.json_shapes import to_json, to_plain
    from evalkit.workflows.leaderboard import leaderboard as rank

    boards = rank(results, metric, allow_incomplete=allow_incomplete)
    if form == "json":
        rows = [
            {"dataset": board.dataset, "depth": board.depth_of(row), **to_plain(row)}
            for board in boards
            for row in board.rows
        ]
        echo_json(to_json(rows))
    elif form == "table":
        for board in boards:
            echo_text(as_text(leaderboard_table(board)))
    else:
        write = {"markdown": as_markdown_page, "html": as_html_page, "csv": as_csv}[form]
        echo_text(write(boards), nl=False)
