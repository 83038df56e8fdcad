"""``evalkit compare``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.options import JSON

if TYPE_CHECKING:
    from evalkit.results.comparison_document import Comparisons


@click.command()
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--qrels", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Sources are TREC runs."
)
@click.option("--baseline", metavar="NAME", help="Which system the others are held against.")
@click.option("--primary", metavar="METRIC", help="The one metric that verdicts rest on.")
@click.option("--allow-incomplete", is_flag=True, help="Compare on the queries that have scores.")
@click.option(
    "--into", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), help="Write it there, too."
)
@click.option(
    "--threshold", "thresholds", type=float, multiple=True, help="Of the version before: what is it now?"
)
@JSON
def compare(
    sources: tuple[Path, ...],
    qrels: Path | None,
    baseline: str | None,
    primary: str | None,
    into: Path | None,
    thresholds: tuple[float, ...],
    *,
    allow_incomplete: bool,
    as_json: bool,
) -> None:
    """Compare with error bars: the rerankers of one result, two results, or TREC runs.

    One result folder: each reranker against the baseline, and all pairs for ties. Two folders: the
    version before and the version after, on the same queries, judgments and candidates. With --qrels:
    run files, the first one the baseline.
    """
    from evalkit.workflows.compare import compare_results, compare_runs

    primary = None if primary is None else primary.strip()
    given = {"baseline": baseline, "primary": primary}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if qrels is not None and thresholds:
        raise click.UsageError("--threshold goes with two result folders")
    if into is not None:
        _make(into)
    if qrels is None:
        documents = compare_results(
            sources, allow_incomplete=allow_incomplete, thresholds=thresholds, plots=into, **changes
        )
    else:
        metrics = tuple(dict.fromkeys([*([] if primary is None else [primary]), "nDCG@10", "MRR@10"]))
        documents = compare_runs(qrels, sources, metrics, **changes)
    if into is not None:
        _write(into, documents)
    _print(documents, as_json=as_json)


def _print(documents: Sequence[Comparisons], *, as_json: bool) -> None:
    from evalkit.report.comparison import cautions, comparison_tables, findings, version_names
    from evalkit.report.table import as_text
    from evalkit.report.transfer import transfer_lines, transfer_tables
    from evalkit.results.comparison_document import VersionComparisons
    from evalkit.results.json_shapes import to_json, to_plain

    if as_json:
        rows = [one for document in documents for entry in document.datasets for one in entry.comparisons]
        rows += [one for document in documents for one in document.pooled]
        click.echo(to_json([to_plain(one) for one in rows]), nl=False)
        return
    for document in documents:
        transfer = document.transfer if isinstance(document, VersionComparisons) else ()
        if isinstance(document, VersionComparisons):
            click.echo(f"{version_names(document)}: before and after\n")
        for table in (*comparison_tables(document), *transfer_tables(transfer)):
            click.echo(as_text(table))
        for line in (*findings(document), *transfer_lines(transfer)):
            click.echo(line)
        for line in cautions(document):
            click.echo(f"warning: {line}", err=True)


def _make(into: Path) -> None:
    from evalkit.errors import StorageError

    try:
        into.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot write into {into.absolute()}: {error}") from None


def _write(into: Path, documents: Sequence[Comparisons]) -> None:
    from evalkit.errors import StorageError
    from evalkit.report.chart_files import write_charts
    from evalkit.report.comparison import as_page
    from evalkit.report.difference_charts import comparison_charts
    from evalkit.results.json_shapes import document, to_json

    try:
        (into / "comparisons.json").write_bytes(to_json([document(one) for one in documents]))
        (into / "comparison.md").write_text("\n".join(map(as_page, documents)), encoding="utf-8")
        write_charts(into, [chart for one in documents for chart in comparison_charts(one)])
    except OSError as error:
        raise StorageError(f"cannot write into {into.resolve()}: {error}") from None
    click.echo(f"written to {into / 'comparison.md'}", err=True)
