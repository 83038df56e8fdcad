"""``evalkit bench``."""

from __future__ import annotations

import shlex
import sys

import click

from evalkit.cli.options import CONFIG, DETAILS, JSON, PLAN, SET


@click.command()
@CONFIG
@SET
@click.option("--into", metavar="DIR", help="Parent folder of the result [default: results/<name>].")
@click.option(
    "--scenario", "scenarios", multiple=True, type=click.Choice(["offline", "server"]),
    help="Also measure capacity (offline) or response times under load (server). Repeatable.",
)  # fmt: skip
@PLAN
@DETAILS
@JSON
def bench(
    config: str,
    overrides: tuple[str, ...],
    into: str | None,
    scenarios: tuple[str, ...],
    *,
    plan: bool,
    details: bool,
    as_json: bool,
) -> None:
    """Measure latency, capacity and response times under load.

    No quality is measured. Without a 'latency:' block the defaults apply: sequential calls with 1 to 100 documents.
    """
    from evalkit.cli.showing import show_plan, show_result
    from evalkit.config import load_config
    from evalkit.experiment.run_options import Origin, ResumeOptions
    from evalkit.workflows.bench import latency_only
    from evalkit.workflows.run import run_experiment

    loaded = load_config(config, overrides, keys="ignored" if plan else "required")
    settings = latency_only(loaded, scenarios)
    if plan:
        show_plan(settings, into, ResumeOptions(), as_json=as_json)
        return
    if as_json:
        raise click.UsageError("--json requires --plan; the results are in summary.json and latency.json")
    command = shlex.join(["evalkit", *sys.argv[1:]])
    folder = run_experiment(settings, into, Origin.of_file(command, config))
    show_result(folder.path, details=details)
