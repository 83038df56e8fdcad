"""``evalkit gate``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.cli.options import JSON
from evalkit.cli.output import Styled, echo, echo_commands, echo_json

if TYPE_CHECKING:
    from evalkit.results.gate_document import GateResult

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("results", metavar="RESULT...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--against", metavar="BASELINE", required=True, type=click.Path(path_type=Path),
    help="A saved baseline (name or folder), or another result folder.",
)  # fmt: skip
@click.option(
    "--rules", metavar="FILE", type=FILE, help="YAML file [default: the primary metric, max_drop: 0.01]."
)
@click.option("--junit", metavar="FILE", type=FILE, help="Write the verdicts to this file, as JUnit XML.")
@click.option("--summary", metavar="FILE", type=FILE, help="Append a job summary to this file, in Markdown.")
@click.option(
    "--nights", is_flag=True, help="Also evaluate earlier gates in the same parent folder; see above."
)
@JSON
def gate(
    results: tuple[Path, ...],
    against: Path,
    rules: Path | None,
    junit: Path | None,
    summary: Path | None,
    *,
    nights: bool,
    as_json: bool,
) -> None:
    """Test whether a new version may replace the baseline.

    Exit code 0: all rules pass. 1: a rule fails, or there are too few queries to decide (see on_cannot_tell). 3: a
    rule is invalid: scores are missing or cached, or judgments, candidates, depth or below_depth differ from the
    baseline.

    Several results of the same version are averaged per query. With --nights, CANNOT TELL passes, and exit code 1
    reports a lasting decrease of a mean over all gates of the same queries against BASELINE.
    """
    from dataclasses import asdict

    from evalkit.config import load_gate
    from evalkit.report.gate import (
        as_junit,
        as_summary,
        nights_lines,
        workflow_commands,
    )
    from evalkit.results.json_shapes import to_json
    from evalkit.workflows.gate import gate as judge

    found = judge(results, against, load_gate(rules) if rules else None, nights=nights)
    if junit is not None:
        _write(junit, as_junit(found))
    if summary is not None:
        _append(summary, as_summary(found).encode())
    if as_json:
        echo_json(to_json([asdict(verdict) for verdict in found.verdicts]))
        for line in nights_lines(found):
            echo(line, err=True)
    else:
        _print(found)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        echo_commands(workflow_commands(found), err=as_json)
    click.get_current_context().exit(found.exit_code)


def _print(found: GateResult) -> None:
    """Print the conclusion, a line for each rule, and what to do next."""
    from evalkit.cli.showing import show_next, text_width
    from evalkit.report.gate import (
        conclusion,
        gate_lines,
        next_after_gate,
        nights_lines,
        scores_lines,
        unchanged_line,
    )
    from evalkit.report.terminal import paragraph_lines

    echo(Styled(conclusion(found), {"fg": "red" if found.exit_code else "green", "bold": True}))
    unchanged = unchanged_line(found)
    lines = [
        *gate_lines(found.verdicts),
        *nights_lines(found),
        *scores_lines(found.verdicts),
        *([unchanged] if unchanged else []),
    ]
    for line in paragraph_lines(lines, text_width()):
        echo(line)
    show_next(next_after_gate(found))


def _write(path: Path, content: bytes) -> None:
    from evalkit.errors import StorageError
    from evalkit.files import write_file

    try:
        write_file(path, content)
    except OSError as error:
        raise StorageError(f"cannot write {path.absolute()}: {error}") from None


def _append(path: Path, content: bytes) -> None:
    """Append to a file of the user, such as the job summary of GitHub, in one call."""
    from evalkit.errors import StorageError
    from evalkit.files import make_folder

    try:
        make_folder(path.parent)
        with path.open("ab") as file:
            file.write(content)
    except OSError as error:
        raise StorageError(f"cannot write {path.absolute()}: {error}") from None
