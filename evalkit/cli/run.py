"""``evalkit run``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from evalkit.cli.options import CONFIG, SET


@click.command()
@CONFIG
@SET
@click.option("--into", metavar="DIR", help="Parent of the result folder [default: results/<name>].")
def run(config: str, overrides: tuple[str, ...], into: str | None) -> None:
    """Run an experiment: rerank, evaluate, time, report."""
    from evalkit.config import load_config
    from evalkit.experiment.execute import Origin
    from evalkit.running import run as run_experiment

    settings = load_config(config, overrides)
    command = shlex.join(["evalkit", *sys.argv[1:]])
    folder = run_experiment(settings, into, Origin(command, Path(config).read_bytes()))
    _show(folder.path)


def _show(path: Path) -> None:
    from evalkit.errors import IncompleteError
    from evalkit.experiment import ResultFolder
    from evalkit.experiment.folder import read_json
    from evalkit.report.pages import findings, warnings
    from evalkit.report.tables import as_text, result_tables

    folder = ResultFolder.open(path)
    manifest, summary = folder.read_manifest(), read_json(folder.summary_file)
    for table in result_tables(summary):
        click.echo(as_text(table))
    for line in findings(summary):
        click.echo(line)
    for warning in warnings(manifest, summary):
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
