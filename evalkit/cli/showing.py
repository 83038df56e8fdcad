"""Output of commands for a finished and for a planned experiment."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from evalkit.cli.output import Styled, echo, echo_json, echo_text

if TYPE_CHECKING:
    from evalkit.config import Config
    from evalkit.errors import IncompleteError
    from evalkit.experiment.run_options import ResumeOptions
    from evalkit.report.advice import NextStep
    from evalkit.report.cautions import Caution
    from evalkit.report.first_screen import FirstScreen
    from evalkit.report.sections import Findings
    from evalkit.report.table import Table
    from evalkit.results import ResultFolder


MOST_HINTS = 3
"""Hints at the causes of failures that a terminal shows."""
MOST_ROWS = 50
"""Rows of a table that a terminal shows."""


def show_result(path: Path, *, details: bool = False) -> None:
    """Print the decision, one table, warnings and the next step of a result folder; with `details` all tables.

    Raises
    ------
    IncompleteError
        If the result is not complete.
    """
    from evalkit.report.pages import screen_of
    from evalkit.report.sections import Findings, all_cautions
    from evalkit.results import ResultFolder

    folder = ResultFolder.open(path)
    found = Findings.read(folder)
    screen = screen_of(found, folder, str(path))
    show_screen(screen, all_cautions(found), details=details, tables=shown_tables(found, details=details))
    echo(f"report: {folder.report_html_file}")
    if found.manifest.status != "complete":
        raise _incomplete(found, folder)
    show_next(screen.next_step)


def _incomplete(found: Findings, folder: ResultFolder) -> IncompleteError:
    """Return the error of an unfinished result: what failed and why, what to change, and how to go on."""
    from evalkit.errors import IncompleteError
    from evalkit.report.warnings import RESUME
    from evalkit.results.failure_reasons import hints_of, unfinished_work

    reasons = found.summary.failures or ()
    why = "; ".join(unfinished_work(found.manifest, reasons))
    change = "; ".join(hints_of(reasons)[:MOST_HINTS])
    resume = f"{change}. Then run the same command again." if change else RESUME
    return IncompleteError(
        f"the result is {found.manifest.status}{f': {why}' if why else ''}; see {folder.failures_file}",
        f"{resume} To view partial results: evalkit report {quote(str(folder.path))} --allow-incomplete",
    )


def show_screen(
    screen: FirstScreen, cautions: Sequence[Caution], *, details: bool, tables: Iterable[Table] = ()
) -> None:
    """Print the decision with its table, further tables, and the warnings."""
    from evalkit.report.table import as_text
    from evalkit.report.terminal import screen_lines, warning_lines

    width = text_width()
    colour = {"adopt": "green", "keep": "blue", "undecided": "yellow"}.get(screen.decision.kind)
    label = Styled(screen.decision.label, {"fg": colour, "bold": True})
    echo(label, ": ", Styled(screen.decision.headline, {"bold": True}))
    for text in screen_lines(screen, width):
        echo_text(text)
    for table in tables:
        echo_text(as_text(table.cut(MOST_ROWS), width))
    for line in warning_lines(cautions, details=details, width=width):
        echo(line, err=True)


def show_next(step: NextStep) -> None:
    """Print the next step."""
    from evalkit.report.terminal import next_lines

    for line in next_lines(step, text_width()):
        echo(line)


def shown_tables(found: Findings, *, details: bool) -> list[Table]:
    """Return the tables after the decision: of latencies where nothing else was measured, with `details` all."""
    from evalkit.report.comparison import comparison_tables, evidence_tables
    from evalkit.report.depth import depth_tables
    from evalkit.report.latency_tables import latency_tables
    from evalkit.report.model_precision import precision_tables
    from evalkit.report.quality import result_tables
    from evalkit.report.run_coverage import lacking
    from evalkit.report.run_tables import run_latency_tables

    summary = found.summary
    if not details:
        return [] if summary.quality else latency_tables(summary, found.latency)
    return [
        *comparison_tables(found.compared),
        *result_tables(summary, lacking(found.compared)),
        *depth_tables(summary),
        *precision_tables(summary),
        *latency_tables(summary, found.latency),
        *run_latency_tables(summary),
        *evidence_tables(found.compared),
    ]


def text_width() -> int:
    """Return the columns of the terminal, at most 100; 100 where the output is not a terminal."""
    from evalkit.report.table import WIDTH

    return min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDTH) if sys.stdout.isatty() else WIDTH


def show_plan(config: Config, into: str | None, options: ResumeOptions, *, as_json: bool) -> None:
    """Print calls, pairs, tokens and cost of every pass, and the command to run them; contact no reranker."""
    from evalkit.report.call_plan import plan_lines, plan_rows
    from evalkit.results.json_shapes import to_json
    from evalkit.workflows.run import plan

    planned = plan(config, into, options)
    if as_json:
        echo_json(to_json(plan_rows(planned)))
        return
    for line in plan_lines(planned, config):
        echo_text(line)
    words = [word for word in sys.argv[1:] if word != "--plan"]
    echo(f"next: {shlex.join(['evalkit', *words])}")
