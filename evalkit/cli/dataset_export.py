"""``evalkit dataset export``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from evalkit.cli.options import SET
from evalkit.cli.output import echo


@click.command()
@click.argument("spec", metavar="SPEC|CONFIG")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@SET
def export(spec: str, file: Path, overrides: tuple[str, ...]) -> None:
    """Write the judgments of a dataset, with their texts, to FILE.

    FILE ends in `.xlsx` (ids, texts, instructions and grades; extra: xlsx), `.csv` (`query,docid,rating`, as
    Quepid imports and exports it) or `.qrels` (`query_id 0 doc_id grade`, as trec_eval reads it, without texts; a
    fractional grade is rounded to a whole one, 1.5 to 2). SPEC is as for `evalkit dataset info`. A configuration must
    have a single dataset.
    """
    from evalkit.datasets import named_datasets
    from evalkit.errors import InputError
    from evalkit.workflows.judgment_export import export_judgments

    named = named_datasets(spec, overrides)
    if len(named) != 1:
        names = ", ".join(settings.label for settings in named)
        raise InputError(f"{spec} contains {len(named)} datasets: {names}", "export them one by one")
    written = export_judgments(named[0], file)
    lacking = f", {written.without_document} of them without a document" if written.without_document else ""
    echo(f"{written.judgments} judgments{lacking} of {written.queries} queries written to {file}")
    if left_out := written.instructions_left_out:
        lacks = f"{left_out} {'instruction is' if left_out == 1 else 'instructions are'} not in it"
        echo(f"{lacks}: a CSV of Quepid has no place for them, a .xlsx file has")
    if rounded := written.grades_rounded:
        echo(
            f"{rounded} fractional {'grade' if rounded == 1 else 'grades'} rounded; .csv and .xlsx files keep them"
        )
    ids = " --queries QUERIES" if file.suffix.lower() == ".csv" else ""
    echo(f"next: evalkit evaluate {shlex.quote(str(file))} RUN{ids}")
