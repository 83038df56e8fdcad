"""``evalkit compare``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click

from evalkit.cli.options import DETAILS, JSON, FiniteNumber
from evalkit.cli.output import echo, echo_json

if TYPE_CHECKING:
    from evalkit.comparison import Comparison
    from evalkit.report.first_screen import FirstScreen
    from evalkit.results.comparison_document import Comparisons, DatasetComparisons

FILE = click.Path(dir_okay=False, path_type=Path)


class Options(TypedDict):
    """The flags of the command."""

    qrels: Path | None
    baseline: str | None
    primary: str | None
    allow_incomplete: bool
    missing_as_zero: bool
    corpus: Path | None
    tokenizer: str | None
    into: Path | None
    html: Path | None
    thresholds: tuple[float, ...]
    details: bool
    as_json: bool


@click.command()
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--qrels", metavar="FILE", type=FILE, help="Compare TREC run files with these judgments.")
@click.option("--baseline", metavar="NAME", help="System that the others are compared with.")
@click.option("--primary", metavar="METRIC", help="Metric of the verdicts.")
@click.option("--allow-incomplete", is_flag=True, help="Compare only the queries that have scores.")
@click.option(
    "--missing-as-zero", is_flag=True,
    help="With --qrels: the engines returned nothing for judged queries that their files lack.",
)  # fmt: skip
@click.option(
    "--corpus", metavar="FILE", type=FILE,
    help="With --qrels: texts of the documents, for metrics such as nDCG@2000t.",
)  # fmt: skip
@click.option("--tokenizer", metavar="NAME", help="With --corpus: tokenizer that counts their tokens.")
@click.option(
    "--into", metavar="PATH", type=click.Path(path_type=Path),
    help="Also write pages, tables and plots into a folder, or one page into a file that ends in .html.",
)  # fmt: skip
@click.option("--html", metavar="FILE", type=FILE, hidden=True, help="The same as --into FILE.html.")
@click.option(
    "--threshold", "thresholds", type=FiniteNumber(), multiple=True,
    help="Score threshold of the old version: print the equivalent one of the new version.",
)  # fmt: skip
@DETAILS
@JSON
def compare(sources: tuple[Path, ...], **options: Unpack[Options]) -> None:
    """Compare rerankers, results or TREC runs; print the decision.

    One result folder: each reranker is compared with the baseline. Two folders: the old version and the
    new one, on the same queries, judgments and candidates. With --qrels: run files; the first one is the
    baseline.
    """
    from evalkit.results.locate import locate_results

    into, html = _outputs(options)
    if options["qrels"] is None:
        _check_folders(sources)
        sources = tuple(locate_results(sources, allow_incomplete=options["allow_incomplete"], scores=True))
    documents = _compared(sources, options) if into is None else _written(into, sources, options)
    if html is not None:
        _write_html(html, documents)
    if options["as_json"]:
        _print_json(documents)
    else:
        _print(documents, () if options["qrels"] else sources, details=options["details"])


def _outputs(options: Options) -> tuple[Path | None, Path | None]:
    """Return the folder and the page to write; None for each that is not wanted."""
    into, html = options["into"], options["html"]
    if into is None or into.suffix.lower() != ".html" or into.is_dir():
        if into is not None and into.is_file():
            raise click.UsageError(f"--into {into}: this is a file and does not end in .html")
        return into, html
    if html is not None:
        raise click.UsageError("--into FILE.html and --html cannot be combined")
    return None, into


def _check_folders(sources: Sequence[Path]) -> None:
    """Check that no source is a file: run files need judgments."""
    from evalkit.errors import InputError

    for source in sources:
        if source.is_file():
            raise InputError(
                f"{source.resolve()} is not a result folder: it is a file",
                "to compare TREC run files, add --qrels FILE",
            )


def _compared(sources: Sequence[Path], options: Options, plots: Path | None = None) -> Sequence[Comparisons]:
    from evalkit.summaries.budget_texts import NO_TEXTS, BudgetTexts
    from evalkit.workflows.compare import compare_results, compare_runs

    primary = None if options["primary"] is None else options["primary"].strip()
    given = {"baseline": options["baseline"], "primary": primary}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    texts = BudgetTexts(options["corpus"], options["tokenizer"])
    if options["qrels"] is None:
        if texts != NO_TEXTS:
            raise click.UsageError(
                "--corpus and --tokenizer require --qrels; a result has the lengths of its documents"
            )
        if options["missing_as_zero"]:
            raise click.UsageError(
                "--missing-as-zero requires --qrels; in a config, set missing_queries: zero"
            )
        return compare_results(
            sources,
            allow_incomplete=options["allow_incomplete"],
            thresholds=options["thresholds"],
            plots=plots,
            **changes,
        )
    if options["thresholds"]:
        raise click.UsageError("--threshold requires two result folders")
    metrics = (*([] if primary is None else [primary]), "nDCG@10", "MRR@10")
    as_zero = options["missing_as_zero"]
    return compare_runs(options["qrels"], sources, metrics, missing_as_zero=as_zero, texts=texts, **changes)


def _print(documents: Sequence[Comparisons], sources: Sequence[Path], *, details: bool) -> None:
    """Print the decision of each document with one table; with `details` all tables and sentences."""
    from evalkit.cli.showing import show_next, show_screen, text_width
    from evalkit.report.comparison_page import comparison_sections
    from evalkit.report.comparison_sentences import cautions
    from evalkit.report.terminal import paragraph_lines

    for document in documents:
        screen = _screen(document, sources)
        sections = comparison_sections(document) if details else []
        if len(documents) > 1:
            echo(screen.name)
        tables = [table for section in sections for table in section.every_table]
        show_screen(screen, cautions(document), details=details, tables=tables)
        for line in paragraph_lines([line for section in sections for line in section.lines], text_width()):
            echo(line)
        show_next(screen.next_step)


def _screen(document: Comparisons, sources: Sequence[Path]) -> FirstScreen:
    """Return the first screen: with latency and cost for the rerankers of one result."""
    from evalkit.report.comparison_page import comparison_screen
    from evalkit.report.first_screen import first_screen
    from evalkit.report.sections import Findings, all_cautions
    from evalkit.report.systems import Measured
    from evalkit.results import ResultFolder

    if len(sources) != 1:
        return comparison_screen(document)
    found = Findings.read(ResultFolder.open(sources[0]))
    measured = Measured(found.manifest, found.summary, found.tuned)
    return first_screen(
        found.manifest.name, document, all_cautions(found), measured, found.latency, str(sources[0])
    )


def _print_json(documents: Sequence[Comparisons]) -> None:
    from evalkit.results.json_shapes import to_json, to_plain

    rows = [
        _row(one, entry) for document in documents for entry in document.datasets for one in entry.comparisons
    ]
    rows += [to_plain(one) for document in documents for one in document.pooled]
    echo_json(to_json(rows))


def _row(one: Comparison, entry: DatasetComparisons) -> dict[str, Any]:
    """Return a comparison with the judged queries that the files of its systems have."""
    from evalkit.results.json_shapes import to_plain

    names = [name for name in (one.baseline, one.contender) if name in entry.coverage]
    return {**to_plain(one), "coverage": {name: to_plain(entry.coverage[name]) for name in names}}


def _written(into: Path, sources: Sequence[Path], options: Options) -> Sequence[Comparisons]:
    """Return the documents, written with pages, tables and plots into a folder; see `updating_folder`.

    Raises
    ------
    InputError
        If it is a result folder, whose own comparisons would be overwritten.
    StorageError
        If it cannot be written.
    """
    from evalkit.errors import InputError, StorageError
    from evalkit.files import updating_folder
    from evalkit.results import ResultFolder

    if ResultFolder(into).manifest_file.exists():
        raise InputError(
            f"{into.resolve()} is a result folder or a baseline", "choose another folder for the comparison"
        )
    try:
        with updating_folder(into, last="comparisons.json") as unfinished:
            documents = _compared(sources, options, unfinished)
            _write(unfinished, documents)
    except OSError as error:
        raise StorageError(f"cannot write into {into.absolute()}: {error}") from None
    echo(f"wrote {into / 'comparison.html'} and {into / 'comparison.md'}", err=True)
    return documents


def _write(into: Path, documents: Sequence[Comparisons]) -> None:
    """Write documents, pages and tables into a new folder."""
    from evalkit.files import write_file
    from evalkit.report.chart_files import write_charts
    from evalkit.report.comparison_page import comparison_page
    from evalkit.report.difference_charts import comparison_charts
    from evalkit.report.table_files import write_tables
    from evalkit.results.json_shapes import document, to_json

    page = comparison_page(documents)
    write_file(into / "comparisons.json", to_json([document(one) for one in documents]), inside=into)
    write_charts(into / "plots", [chart for one in documents for chart in comparison_charts(one)])
    write_tables(into / "tables", page.files())
    write_file(into / "comparison.md", page.render("report.md"), inside=into)
    write_file(into / "comparison.html", page.render("report.html"), inside=into)


def _write_html(file: Path, documents: Sequence[Comparisons]) -> None:
    """Write the page alone."""
    from evalkit.errors import StorageError
    from evalkit.files import write_file
    from evalkit.report.comparison_page import comparison_page

    try:
        write_file(file, comparison_page(documents).render("report.html"))
    except OSError as error:
        raise StorageError(f"cannot write {file.resolve()}: {error}") from None
    echo(f"wrote {file}", err=True)
