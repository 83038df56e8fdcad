"""``evalkit judge list``."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.cli.options import CONFIG, JSON, SET
from evalkit.cli.output import echo, echo_json, echo_text

if TYPE_CHECKING:
    from evalkit.workflows.judge_list import ListedRater

_COLUMNS = ("rater", "order", "pairs", "counted", "grades", "failed", "stale", "cost", "last")
_NOTE = (
    "order: of the raters of a pair, the first one in this order counts, and the mean of people with the same number;"
    " one without a number does not count. pairs: pairs with a grade. counted: pairs of which this grade counts."
    " grades: grade:pairs. failed: pairs without a grade, as the answer was none, or was skipped. stale: pairs whose"
    " text has changed since."
)


@click.command("list")
@CONFIG
@SET
@JSON
def list_(config: str, overrides: tuple[str, ...], *, as_json: bool) -> None:
    """Print who judged what, and whose judgments count."""
    from evalkit.config import load_config
    from evalkit.report.table import WIDTH, Table, as_text
    from evalkit.report.terminal import wrapped
    from evalkit.results.json_shapes import to_json
    from evalkit.workflows.judge_list import list_raters, next_command

    settings = load_config(config, overrides, keys="ignored")
    listed = list_raters(settings, Path(config).parent)
    found = listed.raters
    if as_json:
        echo_json(to_json([asdict(one) for one in found]))
        return
    for dataset, raters in groupby(found, lambda one: one.dataset):
        rows = tuple(map(_cells, raters))
        echo_text(as_text(Table(f"{dataset}: raters", _COLUMNS, rows).without_empty_columns()))
    if found:
        for line in wrapped(_NOTE, WIDTH):
            echo(line)
    else:
        echo("no judgments so far")
    for one in found:
        if one.earlier:
            echo(f"{one.dataset}: {one.rater} in {one.file}: earlier prompt or settings, not counted")
        elif one.order is None:
            echo(f"{one.dataset}: {one.rater} does not count: add {one.file} to 'judgments:' of the dataset")
    for text in listed.notes:
        for line in wrapped(text, WIDTH):
            echo(line)
    echo(f"next: {next_command(settings, found, config)}")


def _cells(one: ListedRater) -> tuple[str, ...]:
    from evalkit.report.numbers import NO_VALUE, cost_text

    return (
        one.rater,
        NO_VALUE if one.order is None else str(one.order),
        str(one.pairs),
        NO_VALUE if one.counted is None else str(one.counted),
        " ".join(f"{grade}:{pairs}" for grade, pairs in one.grades.items()),
        str(one.failed),
        str(one.stale),
        cost_text(one.cost_usd),
        (one.last or NO_VALUE).partition("T")[0],
    )
