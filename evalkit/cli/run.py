"""``evalkit run``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.cli.options import CONFIG, JSON, SET

if TYPE_CHECKING:
    from evalkit.experiment.resuming import Again


@click.command()
@CONFIG
@SET
@click.option("--into", metavar="DIR", help="Parent of the result folder [default: results/<name>].")
@click.option(
    "--resume", metavar="DIR", type=click.Path(file_okay=False), help="Take up this unfinished folder."
)
@click.option("--refresh", is_flag=True, help="Ask for every score again, known or not.")
@click.option("--plan", is_flag=True, help="Print calls, pairs, tokens and cost; contact no reranker.")
@JSON
def run(
    config: str,
    overrides: tuple[str, ...],
    into: str | None,
    resume: str | None,
    *,
    refresh: bool,
    plan: bool,
    as_json: bool,
) -> None:
    """Run an experiment: rerank, evaluate, time, report."""
    from evalkit.experiment.resuming import Again

    again = Again(refresh, Path(resume) if resume else None)
    if plan:
        _plan(config, overrides, into, again, as_json=as_json)
        return
    if as_json:
        raise click.UsageError("--json goes with --plan; a run's figures are in summary.json of its folder")
    from evalkit.config import load_config
    from evalkit.experiment.manifest import Origin
    from evalkit.running import run as run_experiment

    settings = load_config(config, overrides)
    command = shlex.join(["evalkit", *sys.argv[1:]])
    folder = run_experiment(settings, into, Origin(command, Path(config).read_bytes()), again)
    _show(folder.path)


def _plan(config: str, overrides: tuple[str, ...], into: str | None, again: Again, *, as_json: bool) -> None:
    from evalkit.config import load_config
    from evalkit.experiment.folder import to_json
    from evalkit.report.plan import plan_lines, plan_rows
    from evalkit.running import plan as plan_experiment

    settings = load_config(config, overrides)
    planned = plan_experiment(settings, into, again)
    if as_json:
        click.echo(to_json(plan_rows(planned)).decode(), nl=False)
        return
    for line in plan_lines(planned, settings):
        click.echo(line)
    click.echo(f"next: evalkit run {config}")


def _show(path: Path) -> None:
    from evalkit.errors import IncompleteError
    from evalkit.experiment import ResultFolder
    from evalkit.report.comparison_tables import cautions, comparison_tables, findings
    from evalkit.report.pages import warnings
    from evalkit.report.tables import as_text, result_tables

    folder = ResultFolder.open(path)
    manifest, summary, compared = folder.read_manifest(), folder.read_summary(), folder.read_comparisons()
    for table in (*result_tables(summary), *comparison_tables(compared, details=False)):
        click.echo(as_text(table))
    for line in findings(compared):
        click.echo(line)
    for warning in (*warnings(manifest, summary), *cautions(compared)):
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"\nreport: {folder.report_html_file}")
    if manifest["status"] != "complete":
        raise IncompleteError(
            f"the result is {manifest['status']}; see {folder.failures_file}",
            f"mend the cause and run again; look at what there is with: evalkit report {path} --allow-incomplete",
        )
    click.echo(
        f"next: open {folder.report_html_file} in a browser, or rebuild it with: evalkit report {path}"
    )
