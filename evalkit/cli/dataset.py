"""``evalkit dataset``: list sources, show the content of a dataset, import it as a BEIR folder, export judgments."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.dataset_check import check
from evalkit.cli.dataset_export import export
from evalkit.cli.options import JSON, SET
from evalkit.cli.output import echo, echo_json, echo_text

if TYPE_CHECKING:
    from evalkit.report.table import Table

SPEC = click.argument("spec", metavar="SPEC|CONFIG")
_MOST_GRADES = 12
"""Most different grades of which each is shown."""


@click.group()
def dataset() -> None:
    """List, inspect, check or convert datasets."""


dataset.add_command(check)
dataset.add_command(export)


@dataset.command("list")
@JSON
def list_(*, as_json: bool) -> None:
    """Print the available dataset sources."""
    from evalkit import registry
    from evalkit.report.table import Table, as_text
    from evalkit.results.json_shapes import to_json

    kind = "dataset source"
    rows = [(name, registry.lookup(kind, name).__doc__.splitlines()[0]) for name in registry.names(kind)]
    if as_json:
        echo_json(to_json([{"source": name, "what": what} for name, what in rows]))
        return
    echo_text(as_text(Table("dataset sources", ("source", "what"), tuple(rows), left=2)))
    echo("next: evalkit dataset info demo")


@dataset.command()
@SPEC
@SET
@JSON
def info(spec: str, overrides: tuple[str, ...], *, as_json: bool) -> None:
    """Print counts, grades, lengths and licence of a dataset.

    SPEC is a name (`demo`, `beir/scifact`), a folder or zip in BEIR's layout, or a YAML block such as
    `{source: tables, pairs: {path: judged.csv}}`. CONFIG is a configuration: all its datasets are printed.
    """
    from evalkit.datasets import describe, named_datasets, open_dataset
    from evalkit.report.table import as_text
    from evalkit.results.json_shapes import to_json

    described = [describe(open_dataset(settings)) for settings in named_datasets(spec, overrides)]
    if as_json:
        echo_json(to_json(described))
        return
    for facts in described:
        echo_text(as_text(_table(facts)))
    echo(f"next: evalkit dataset check {shlex.quote(spec)}")


@dataset.command("import")
@SPEC
@click.option(
    "--into",
    "folder",
    required=True,
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Folder to create.",
)
@SET
def import_(spec: str, folder: Path, overrides: tuple[str, ...]) -> None:
    """Write a dataset as a BEIR folder, with its source, hash and licence.

    SPEC is as for `evalkit dataset info`. A configuration must have a single dataset.
    """
    from evalkit.datasets import import_dataset, named_datasets
    from evalkit.errors import InputError

    named = named_datasets(spec, overrides)
    if len(named) != 1:
        names = ", ".join(settings.label for settings in named)
        raise InputError(f"{spec} contains {len(named)} datasets: {names}", "import them one by one")
    kept = import_dataset(named[0], folder)
    counts = kept.origin.counts
    echo(
        f"{counts['documents']} documents, {counts['queries']} judged queries and {counts['judgments']} judgments"
        f" written to {folder}; licence: {kept.origin.licence or 'not stated'}"
    )
    block = f"{{source: beir_folder, path: {folder}, split: {kept.origin.split}}}"
    echo(f"next: evalkit dataset check {shlex.quote(block)}")


def _if_any(facts: dict[str, Any], name: str, text: str) -> str:
    """Return the text with a count of `describe`; empty if the dataset does not have the count."""
    return text.format(facts[name]) if name in facts else ""


def _grades_text(counts: dict[str, int]) -> str:
    """Return the number of judgments of each grade; of many different grades their number and range."""
    from evalkit.records import shown_grade

    if len(counts) > _MOST_GRADES:
        names = [*counts]
        return f"{len(names)} different ones from {shown_grade(float(names[0]))} to {shown_grade(float(names[-1]))}"
    return ", ".join(f"{shown_grade(float(grade))}: {count}" for grade, count in counts.items())


def _table(facts: dict[str, Any]) -> Table:
    from evalkit.report.table import Table

    def lengths(of: str) -> str:
        found = facts[f"{of}_characters"]
        return f"{found['p50']} characters (median), {found['p95']} (95th percentile), {found['longest']} (longest)"

    excluded = facts.get("excluded_documents")
    known = {
        "source": f"{facts['source']}, {facts['location']}",
        "split": facts["split"],
        "revision": facts["revision"],
        "licence": facts["licence"],
        "language": f"{facts['language']} (as configured)",
        "documents": f"{facts['documents']}, {facts['empty_documents']} of them empty",
        "queries": f"{facts['queries']}, {facts['unanswerable_queries']} of them unanswerable",
        "queries with an instruction": facts.get("queries_with_instruction"),
        "queries left out": f"{facts['unjudged_queries_left_out']} without judgments,"
        f" {facts['judged_queries_not_sampled']} not sampled"
        + _if_any(facts, "judged_queries_without_text", ", {} judged without text"),
        "judgments": f"{facts['judgments']}, {facts['judgments_without_document']} of them without a document"
        + _if_any(facts, "judgments_without_grade", ", {} without a grade (counted as relevant)")
        + _if_any(facts, "failed_judgments", "; {} pairs that a rater failed to grade are unjudged"),
        **({"excluded": f"{excluded} documents, never candidates of their query"} if excluded else {}),
        "grades": _grades_text(facts["grades"]),
        "listed candidates": facts["listed_candidates"] or "none",
        "document length": lengths("document"),
        "query length": lengths("query"),
        "content": f"sha256 {facts['content_hash']}",
    }
    if written := facts.get("synthetic_queries"):
        known["synthetic queries"] = f"{written}, written by a model"
    if known["queries with an instruction"] is None:
        del known["queries with an instruction"]
    rows = tuple((what, "not stated" if value is None else str(value)) for what, value in known.items())
    return Table(facts["dataset"], ("what", "value"), rows, left=2)
