"""``evalkit baseline``."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import click

from evalkit.cli.output import echo


@click.group()
def baseline() -> None:
    """Save a baseline for gates, small enough to commit."""


@baseline.command()
@click.argument("result", metavar="RESULT", type=click.Path(path_type=Path))
@click.argument("name", metavar="NAME")
@click.option(
    "--into",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Parent folder [default: results/baselines].",
)
def save(result: Path, name: str, into: Path | None) -> None:
    """Save RESULT as the baseline NAME. An existing baseline with this name is replaced."""
    from evalkit.results.baseline_folder import BASELINES
    from evalkit.workflows.baseline import save_baseline

    folder = save_baseline(result, name, into or BASELINES)
    size = sum(file.stat().st_size for file in folder.iterdir())
    echo(f"saved to {folder} ({size} bytes): commit it")
    echo(f"next: evalkit gate RESULT --against {quote(str(folder))}")
