"""``evalkit judge audit``."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict, Unpack

import click

from evalkit.cli.options import JSON, SET, FiniteNumber, remember_config
from evalkit.cli.output import echo, echo_json, echo_text

FILE = click.Path(path_type=Path)


class Options(TypedDict):
    """The flags of the command."""

    judge: str | None
    against: str | None
    runs: tuple[Path, ...]
    binary: float | None
    metric: str | None
    dataset: str | None
    overrides: tuple[str, ...]
    as_json: bool


@click.command()
@click.argument(
    "paths", metavar="CONFIG|RESULT|FILE...", nargs=-1, required=True, type=FILE, callback=remember_config
)
@click.option("--judge", metavar="NAME", help="The rater to audit (default: every model).")
@click.option("--against", metavar="NAME", help="The rater to compare with (default: all people together).")
@click.option(
    "--run",
    "runs",
    metavar="RUN",
    multiple=True,
    type=FILE,
    help="A run, with files of judgments. Repeatable.",
)
@click.option(
    "--binary",
    metavar="LEVEL",
    type=FiniteNumber(),
    help="Compare a judge of 0 and 1 with whether the other grade is at least LEVEL.",
)
@click.option("-m", "--metric", metavar="METRIC", help="Metric that ranks the systems (default: nDCG@10).")
@click.option(
    "--dataset", metavar="SPEC", help="Dataset with the texts, with files of judgments; as for dataset info."
)
@SET
@JSON
def audit(paths: tuple[Path, ...], **options: Unpack[Options]) -> None:
    """Compare a judge with people: agreement, bias, ranking of systems.

    Give a configuration or a result, whose datasets name their `judgments:`; or the file of the judge and that of the
    people, in any format that evalkit reads.
    """
    from evalkit.report.audit_tables import LIMITS, audit_lines, audit_tables, audits_json
    from evalkit.report.narrower_intervals import worth_lines
    from evalkit.report.table import WIDTH, as_text
    from evalkit.report.terminal import wrapped
    from evalkit.workflows.judge_audit import AuditOptions, next_command
    from evalkit.workflows.judge_audit import audit as audit_judges

    asked = AuditOptions(
        options["judge"],
        options["against"],
        options["runs"],
        options["binary"],
        options["metric"],
        options["dataset"],
        options["overrides"],
    )
    audits = audit_judges(paths, asked)
    if options["as_json"]:
        echo_json(audits_json(audits))
        return
    for line in wrapped(LIMITS, WIDTH):
        echo(line)
    for one in audits:
        echo("")
        for sentence in audit_lines(one):
            for line in wrapped(sentence, WIDTH, "  "):
                echo(line)
        for table in audit_tables(one):
            echo("")
            echo_text(as_text(table), nl=False)
        conclusion = [] if one.worth is None or not one.agreement.pairs else worth_lines(one.worth)
        for sentence in conclusion:
            echo("")
            for line in wrapped(sentence, WIDTH, "  "):
                echo(line)
    command = next_command(paths, audits)
    if command is not None:
        echo("")
        echo(f"next: {command}")
