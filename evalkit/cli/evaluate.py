"""``evalkit evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.options import JSON

if TYPE_CHECKING:
    from evalkit.records import MetricValues

DEFAULT_METRICS = ("nDCG@10", "MRR@10")


@click.command()
@click.argument("qrels", metavar="QRELS", type=click.Path(dir_okay=False))
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(dir_okay=False))
@click.option(
    "-m", "--metric", "metrics", multiple=True, metavar="METRIC", help="A metric, e.g. nDCG@10. Repeatable."
)
@click.option("--per-query", is_flag=True, help="Print every query's value instead of means.")
@JSON
def evaluate(
    qrels: str, runs: tuple[str, ...], metrics: tuple[str, ...], *, per_query: bool, as_json: bool
) -> None:
    """Evaluate TREC runs: QRELS and RUN files in, numbers out.

    Means are over the queries whose judgments hold any grade above 0; a query that a run lacks
    counts as 0.
    """
    from evalkit.formats import read_qrels, read_run
    from evalkit.metrics import evaluate as evaluate_run
    from evalkit.metrics import parse_metrics

    wanted = parse_metrics(metrics or DEFAULT_METRICS)
    judged = read_qrels(Path(qrels))
    values = [
        evaluate_run(run, judged, wanted) for run in _tagged([read_run(Path(path)) for path in runs], runs)
    ]
    rows = _per_query(values) if per_query else _means(values)
    if as_json:
        _print_json(rows)
    else:
        _print_table(rows)


def _tagged(read: Sequence[Any], paths: Sequence[str]) -> list[Any]:
    """Name runs by their tags, or by their files where two share a tag."""
    from dataclasses import replace

    tags = [run.tag for run in read]
    return [
        run if tags.count(run.tag) == 1 else replace(run, tag=path)
        for run, path in zip(read, paths, strict=True)
    ]


def _means(values: Sequence[MetricValues]) -> list[dict[str, Any]]:
    from evalkit.stats import mean_interval

    rows: list[dict[str, Any]] = []
    for one in values:
        for metric in one.metrics:
            interval = mean_interval(one.of(metric))
            rows.append(
                {
                    "run": one.tag,
                    "metric": metric,
                    "value": interval.estimate,
                    "lower": interval.lower,
                    "upper": interval.upper,
                    "n": interval.n,
                }
            )
    return rows


def _per_query(values: Sequence[MetricValues]) -> list[dict[str, Any]]:
    return [
        {"run": one.tag, "query_id": query_id, "metric": metric, "value": float(one.values[row, column])}
        for one in values
        for row, query_id in enumerate(one.query_ids)
        for column, metric in enumerate(one.metrics)
    ]


def _print_json(rows: Sequence[dict[str, Any]]) -> None:
    from evalkit.experiment.folder import to_json

    click.echo(to_json(list(rows)), nl=False)


def _note(rows: Sequence[dict[str, Any]]) -> str:
    from evalkit.stats import MIN_QUERIES

    note = "lower and upper bound the mean at 95 % (Student t over queries)."
    if any(row["n"] < MIN_QUERIES for row in rows):
        note += f" Below {MIN_QUERIES} queries such bounds are rough, and may lie outside 0 to 1."
    return note


def _print_table(rows: Sequence[dict[str, Any]]) -> None:
    from evalkit.report.tables import Table, as_text, number

    columns = tuple(rows[0]) if rows else ()
    cells = tuple(
        tuple(
            number(value) if isinstance(value, float) or value is None else str(value)
            for value in row.values()
        )
        for row in rows
    )
    note = "" if "query_id" in columns else _note(rows)
    left = len(columns) - 1 if "query_id" in columns else 2
    click.echo(as_text(Table("Values", columns, cells, note, left=left)))
