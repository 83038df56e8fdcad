"""``evalkit run``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from evalkit.cli.options import CONFIG, DETAILS, JSON, PLAN, SET


@click.command()
@CONFIG
@SET
@click.option("--into", metavar="DIR", help="Parent folder of the result [default: results/<name>].")
@click.option("--resume", metavar="DIR", type=click.Path(file_okay=False), help="Resume this unfinished run.")
@click.option("--refresh", is_flag=True, help="Score everything again, including cached scores.")
@PLAN
@DETAILS
@JSON
def run(
    config: str,
    overrides: tuple[str, ...],
    into: str | None,
    resume: str | None,
    *,
    refresh: bool,
    plan: bool,
    details: bool,
    as_json: bool,
) -> None:
    """Rerank, evaluate, measure latency and write a report."""
    from evalkit.cli.showing import show_plan, show_result
    from evalkit.config import load_config
    from evalkit.experiment.run_options import Origin, ResumeOptions
    from evalkit.workflows.run import run_experiment

    settings = load_config(config, overrides, keys="ignored" if plan else "required")
    options = ResumeOptions(refresh, Path(resume) if resume else None)
    if plan:
        show_plan(settings, into, options, as_json=as_json)
        return
    if as_json:
        raise click.UsageError(
            "--json requires --plan; the results of a run are in summary.json of its folder"
        )
    command = shlex.join(["evalkit", *sys.argv[1:]])
    folder = run_experiment(settings, into, Origin.of_file(command, config), options)
    show_result(folder.path, details=details)
