"""``evalkit aa``."""

from __future__ import annotations

import click

from evalkit.cli.options import CONFIG, JSON, SET, WholeNumber
from evalkit.cli.output import echo, echo_json, echo_text


@click.command()
@CONFIG
@click.option("--reranker", metavar="TAG", required=True, help="Tag of the reranker in CONFIG.")
@click.option(
    "--repeats",
    metavar="N",
    type=WholeNumber(min=2, max=1_000),
    default=2,
    show_default=True,
    help="Number of repeats.",
)
@SET
@click.option("--into", metavar="DIR", help="Parent folder of the results [default: results/<name>/aa].")
@JSON
def aa(
    config: str, reranker: str, repeats: int, overrides: tuple[str, ...], into: str | None, *, as_json: bool
) -> None:
    """Measure how much results vary between runs (A/A test).

    Every score is requested N times. The command prints the smallest mean difference that this setup would wrongly
    report as significant.
    """
    from dataclasses import asdict

    from evalkit.config import load_config
    from evalkit.report.table import Table, as_text
    from evalkit.results.json_shapes import to_json
    from evalkit.workflows.aa import noise_floor

    floors = noise_floor(load_config(config, overrides), reranker, repeats, into)
    if as_json:
        echo_json(to_json([asdict(floor) for floor in floors]))
        return
    cells = tuple(
        (
            floor.dataset, floor.metric, f"{floor.changed:.1%}", f"{floor.moved:.6f}", f"{floor.deviation:.6f}",
            f"{floor.wrongly_real:.6f}", str(floor.n),
        )
        for floor in floors
    )  # fmt: skip
    columns = ("dataset", "metric", "changed queries", "change of the mean", "deviation", "noise level", "n")
    note = (
        f"{repeats} repeats. Noise level: the smallest mean difference that a 95 % t interval over"
        " these queries would report as significant although nothing changed."
    )
    echo_text(as_text(Table(f"{reranker}: variation between runs", columns, cells, note, left=2)))
    if not any(floor.changed for floor in floors):
        echo("all runs gave the same values")
