"""``evalkit judge export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.cli.options import SET
from evalkit.cli.output import echo

if TYPE_CHECKING:
    from evalkit.workflows.judge_export import Format

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("source", metavar="JUDGMENTS|CONFIG", type=FILE)
@click.argument("file", metavar="FILE", type=FILE)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["trec", "csv", "quepid", "rank_eval", "jsonl"]),
    help="Default: by the suffix of FILE; .jsonl, .csv, .json for rank_eval, others for trec.",
)
@click.option("--rater", metavar="NAME", help="The only rater (default: the judgments that count).")
@click.option(
    "--dataset",
    metavar="SPEC",
    help="Dataset with the texts of the queries; of a CONFIG, one of its datasets.",
)
@click.option("--index", default="documents", show_default=True, help="Name of the index, for rank_eval.")
@SET
def export(
    source: Path,
    file: Path,
    kind: Format | None,
    rater: str | None,
    dataset: str | None,
    index: str,
    overrides: tuple[str, ...],
) -> None:
    """Write judgments to FILE for another tool.

    Only `jsonl` names raters: in the other formats, grades of models count as those of people when evalkit reads them.
    `trec`, `quepid` and `rank_eval` have whole grades: others are rounded, a half up. `quepid` names queries by their
    texts. A request of `rank_eval` still needs the search: `template_id`, or `request` instead of `params`.
    """
    from evalkit.workflows.judge_export import ExportOptions, export_file

    done = export_file(source, file, ExportOptions(kind, rater, dataset, index, overrides))
    echo(f"{done.judgments} judgments of {done.queries} queries written to {file} ({done.format})")
    if done.rounded:
        echo(f"{done.rounded} fractional grades are rounded to whole ones, a half up")
