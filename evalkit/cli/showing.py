"""Output of commands for a finished and for a planned experiment."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from evalkit.config import Config
    from evalkit.experiment.resume import ResumeOptions


def show_result(path: Path) -> None:
    """Print tables, findings and warnings of a result folder, and the path of its report.

    Raises
    ------
    IncompleteError
        If the result is not complete.
    """
    from evalkit.errors import IncompleteError
    from evalkit.report.comparison import cautions, comparison_tables, findings
    from evalkit.report.depth import depth_tables
    from evalkit.report.headline import headline
    from evalkit.report.latency_sentences import latency_cautions, latency_lines
    from evalkit.report.latency_tables import latency_tables
    from evalkit.report.model_precision import precision_lines, precision_tables
    from evalkit.report.quality import result_tables
    from evalkit.report.table import as_text
    from evalkit.report.verdict import verdicts
    from evalkit.report.warnings import warnings
    from evalkit.results import ResultFolder

    folder = ResultFolder.open(path)
    manifest, summary, compared = folder.read_manifest(), folder.read_summary(), folder.read_comparisons()
    timed = folder.read_latency()
    tables = (
        *result_tables(summary),
        *depth_tables(summary),
        *precision_tables(summary),
        *latency_tables(summary, timed),
        *comparison_tables(compared, details=False),
    )
    for table in tables:
        click.echo(as_text(table))
    for line in (*findings(compared), *precision_lines(summary), *latency_lines(summary, timed)):
        click.echo(line)
    for warning in (*warnings(manifest, summary), *latency_cautions(timed), *cautions(compared)):
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"\n{headline(verdicts(compared, summary), compared, summary.status)}")
    click.echo(f"\nreport: {folder.report_html_file}")
    if manifest.status != "complete":
        raise IncompleteError(
            f"the result is {manifest.status}; see {folder.failures_file}",
            f"fix the cause and rerun; view the partial results with: evalkit report {path}"
            " --allow-incomplete",
        )
    tuning = f"; then evalkit tune depth {path}" if summary.quality else ""
    click.echo(f"next: open {folder.report_html_file} in a browser{tuning}")


def show_plan(config: Config, into: str | None, options: ResumeOptions, *, as_json: bool) -> None:
    """Print calls, pairs, tokens and cost of every pass, and the command to run them; contact no reranker."""
    from evalkit.report.call_plan import plan_lines, plan_rows
    from evalkit.results.json_shapes import to_json
    from evalkit.workflows.run import plan

    planned = plan(config, into, options)
    if as_json:
        click.echo(to_json(plan_rows(planned)).decode(), nl=False)
        return
    for line in plan_lines(planned, config):
        click.echo(line)
    words = [word for word in sys.argv[1:] if word != "--plan"]
    click.echo(f"next: {shlex.join(['evalkit', *words])}")
