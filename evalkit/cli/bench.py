"""``evalkit bench``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.cli.options import CONFIG, JSON, SET

if TYPE_CHECKING:
    from evalkit.config import Config


@click.command()
@CONFIG
@SET
@click.option("--into", metavar="DIR", help="Parent of the result folder [default: results/<name>].")
@click.option(
    "--scenario", "scenarios", multiple=True, type=click.Choice(["offline", "server"]),
    help="Also measure capacity (offline), or response times under a load (server). Repeatable.",
)  # fmt: skip
@click.option("--plan", is_flag=True, help="Print calls, pairs, tokens and cost; contact no reranker.")
@JSON
def bench(
    config: str,
    overrides: tuple[str, ...],
    into: str | None,
    scenarios: tuple[str, ...],
    *,
    plan: bool,
    as_json: bool,
) -> None:
    """Time rerankers, and nothing else: latency per batch size, capacity, response times under a load.

    Without a 'latency:' block its defaults are taken: one call after the other, at 1 to 100 documents.
    """
    from evalkit.cli.showing import show_plan, show_result
    from evalkit.config import load_config
    from evalkit.experiment.manifest_facts import Origin
    from evalkit.experiment.resume import ResumeOptions
    from evalkit.workflows.run import run

    settings = _latency_alone(load_config(config, overrides), scenarios)
    if plan:
        show_plan(settings, into, ResumeOptions(), as_json=as_json)
        return
    if as_json:
        raise click.UsageError("--json goes with --plan; figures are in summary.json and latency.json")
    command = shlex.join(["evalkit", *sys.argv[1:]])
    folder = run(settings, into, Origin(command, Path(config).read_bytes()))
    show_result(folder.path)


def _latency_alone(config: Config, scenarios: tuple[str, ...]) -> Config:
    """Return the configuration without its quality pass, with the scenarios that the flags add.

    Raises
    ------
    InputError
        If no reranker takes time.
    """
    from evalkit.config import LatencySettings, OfflineSettings, ServerSettings
    from evalkit.errors import InputError

    if not any(settings.timed for settings in config.rerankers.values()):
        raise InputError(
            "there is nothing to time: every reranker looks its scores up",
            "name one that computes them, or an API",
        )
    latency = config.latency or LatencySettings()
    asked = {"offline": OfflineSettings(), "server": ServerSettings()}
    added = {
        name: block for name, block in asked.items() if name in scenarios and getattr(latency, name) is None
    }
    return config.model_copy(update={"quality": False, "latency": latency.model_copy(update=added)})
