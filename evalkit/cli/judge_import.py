"""``evalkit judge import``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Literal

import click

from evalkit.cli.output import echo

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", metavar="FILE", type=FILE)
@click.option("--into", metavar="JUDGMENTS", type=FILE, required=True, help="JSON Lines file to append to.")
@click.option(
    "--rater", metavar="NAME", help="Who judged; of a file that names its raters, the only one to import."
)
@click.option(
    "--kind",
    type=click.Choice(["human", "model"]),
    help="Whether the rater is a person or a model; required for files that do not name their raters.",
)
@click.option("--replace", "replace_grades", is_flag=True, help="Let other grades of the same rater count.")
@click.option(
    "--dataset",
    metavar="SPEC",
    help="Dataset that is judged; required for a FILE that names queries by text.",
)
def import_(
    file: Path,
    into: Path,
    rater: str | None,
    kind: Literal["human", "model"] | None,
    *,
    replace_grades: bool,
    dataset: str | None,
) -> None:
    """Append judgments of another tool to a file of judgments.

    They become those of one rater. FILE is in any format that evalkit reads: TREC qrels, a table, an export of Quepid,
    a request of Elasticsearch's `_rank_eval`, a list of OpenSearch, or a file of judgments. Importing it twice adds
    nothing twice.
    """
    from evalkit.workflows.judge_import import import_judgments

    done = import_judgments(file, into, rater, kind, replace_grades=replace_grades, dataset=dataset)
    echo(f"{done.added} judgments added to {into}, {done.replaced} replaced, {done.known} there already")
    if done.excluded:
        echo(f"{done.excluded} exclusions of documents (grade -100) left out: they are no judgments")
    for count, what in ((done.unknown_queries, "query"), (done.unknown_documents, "document")):
        if count:
            echo(
                f"judgments of the file with a {what} that the dataset does not have: {count}; they do not count"
            )
    entry = f"{{path: {shlex.quote(str(into))}}}"
    echo(f"next: if the configuration does not name it, add {entry} to 'judgments:' of the dataset")
