"""``evalkit evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, TypedDict, Unpack

import click

from evalkit.cli.options import JSON
from evalkit.cli.output import echo, echo_json, echo_text

FILE = click.Path(dir_okay=False, path_type=Path)


class Options(TypedDict):
    """The flags of the command."""

    metrics: tuple[str, ...]
    per_query: bool
    ties: bool
    unjudged: bool
    by: str | None
    queries: Path | None
    corpus: Path | None
    tokenizer: str | None
    as_json: bool


@click.command()
@click.argument("qrels", metavar="QRELS", type=FILE)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=FILE)
@click.option(
    "-m", "--metric", "metrics", multiple=True, metavar="METRIC", help="A metric, e.g. nDCG@10. Repeatable."
)
@click.option("--per-query", is_flag=True, help="Print the value of every query instead of means.")
@click.option(
    "--ties", is_flag=True, help="Add the best, expected and worst value over all orders of tied documents."
)
@click.option(
    "--unjudged", is_flag=True, help="Add the lowest and highest value that unjudged documents could lead to."
)
@click.option(
    "--by", metavar="KIND", help="Print means by query type: 'relevant documents' or a field of --queries."
)
@click.option("--queries", metavar="FILE", type=FILE, help="JSON Lines, CSV, TSV or Parquet.")
@click.option(
    "--corpus",
    metavar="FILE",
    type=FILE,
    help="Texts of the documents, for metrics such as nDCG@2000t: JSON Lines, CSV, TSV or Parquet.",
)
@click.option(
    "--tokenizer",
    metavar="NAME",
    help="Tokenizer that counts their tokens: a tokenizer.json, a folder or a hub name.",
)
@JSON
def evaluate(qrels: Path, runs: tuple[Path, ...], **options: Unpack[Options]) -> None:
    """Evaluate TREC run files.

    Means are over all queries with a grade above 0. A query that is missing in a run counts as 0. Lines below the
    table and further keys of --json count the queries that a run lacks and those that are not averaged.
    """
    from evalkit.report.run_coverage import coverage_notes
    from evalkit.summaries.budget_texts import BudgetTexts
    from evalkit.workflows.evaluate import EvaluationOptions, evaluate_files

    per_query, as_json = options["per_query"], options["as_json"]
    if per_query and options["by"] is not None:
        raise click.UsageError("--per-query and --by cannot be combined")
    asked = EvaluationOptions(
        options["metrics"],
        per_query,
        options["by"],
        options["queries"],
        options["ties"],
        options["unjudged"],
        BudgetTexts(options["corpus"], options["tokenizer"]),
    )
    evaluation = evaluate_files(qrels, runs, asked)
    if as_json:
        _print_json(evaluation.rows)
    else:
        _print_table(evaluation.rows)
    if per_query or not as_json:  # means in JSON have keys for this
        shown = {row["metric"] for row in evaluation.rows}
        for note in coverage_notes(evaluation.coverage, evaluation.grades, evaluation.commented, shown):
            echo("note: " if as_json else "", note, err=as_json)


def _print_json(rows: Sequence[dict[str, Any]]) -> None:
    from evalkit.results.json_shapes import to_json

    echo_json(to_json(list(rows)))


def _print_table(rows: Sequence[dict[str, Any]]) -> None:
    from evalkit.report.numbers import value_text
    from evalkit.report.table import WIDTH, Table, as_text
    from evalkit.summaries.budget_rows import budget_lines, without_budgets
    from evalkit.summaries.evaluation_rows import COVERAGE_COLUMNS, note_on

    budgets, rows = budget_lines(rows), without_budgets(rows)
    columns = tuple(name for name in (rows[0] if rows else ()) if name not in COVERAGE_COLUMNS)
    cells = tuple(
        tuple(
            value_text(value, ".4f") if isinstance(value, float) or value is None else str(value)
            for value in map(row.get, columns)
        )
        for row in rows
    )
    left = columns.index("value") if columns else 0
    echo_text(as_text(Table("Values", columns, cells, note_on(rows), left=left)))
    for line in budgets:
        echo_text(fill(line, WIDTH, break_long_words=False, break_on_hyphens=False))
