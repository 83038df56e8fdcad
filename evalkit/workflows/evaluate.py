"""``evalkit evaluate``: the rows of a table from TREC files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.errors import InputError
from evalkit.formats import RunFile, is_from_text, read_judgments, read_rows, read_run_file
from evalkit.metrics import check_metrics, parse_metrics, proper_name
from evalkit.records import Coverage, GradeFacts, Qrels, Query, check_overlap
from evalkit.summaries.budget_texts import BudgetTexts
from evalkit.summaries.judges_note import judges_of, note_judges
from evalkit.summaries.system_names import distinct_tags

if TYPE_CHECKING:
    from evalkit.summaries.evaluation_rows import Row

DEFAULT_METRICS = ("nDCG@10", "MRR@10")
_USED_LATER = ("evalkit.summaries.budget_rows", "evalkit.summaries.evaluation_rows")
"""Modules that turn runs into rows of the table."""


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """Contents of the table.

    Attributes
    ----------
    metrics
        Names of metrics; `DEFAULT_METRICS` where empty.
    per_query
        Whether rows are values of single queries instead of means.
    by
        Property of queries to group means by; None for means over all queries only.
    queries
        File with the queries, for properties that are not in the judgments.
    ties, unjudged
        Whether columns bound the effect of ties and of unjudged documents.
    texts
        Texts and tokenizer, for metrics at a budget of tokens.
    """

    metrics: Sequence[str] = ()
    per_query: bool = False
    by: str | None = None
    queries: Path | None = None
    ties: bool = False
    unjudged: bool = False
    texts: BudgetTexts = field(default_factory=BudgetTexts)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The values of some runs, and what they rest on.

    Attributes
    ----------
    rows
        Rows of the table.
    coverage
        Of each run, in the order of the files.
    grades
        What is unusual in the judgments.
    commented
        File -> numbers of its lines that are comments though they have the columns of a row.
    """

    rows: list[Row]
    coverage: tuple[Coverage, ...]
    grades: GradeFacts
    commented: Mapping[str, tuple[int, ...]]


def evaluate_files(qrels: Path, runs: Sequence[Path], options: EvaluationOptions) -> Evaluation:
    """Evaluate runs against judgments.

    Raises
    ------
    InputError
        If a file, a metric or the property of the queries cannot be read, no query has a relevant document, or a run
        has none of the judged queries.
    """
    metrics = parse_metrics(map(proper_name, options.metrics or DEFAULT_METRICS))
    options.texts.check(metrics)
    queries = _read_queries(options.queries)
    texts = {query_id: query.text for query_id, query in queries.items()} or None
    with _reading(runs) as reading:
        judged = read_judgments(qrels, texts)
        note_judges(judges_of(judged, qrels), str(qrels))
        if not judged.qrels.answerable:
            raise InputError(f"{qrels} contains no query with a relevant document", "check the qrels")
        check_metrics(metrics, judged.qrels, f"the judgments in {qrels}")
        for module in _USED_LATER if options.per_query else (*_USED_LATER, "scipy.special"):
            import_module(module)
        read = list(reading)
    levels = {} if options.by is None else _levels(options.by, judged.qrels, queries)
    from evalkit.summaries.budget_rows import with_budgets
    from evalkit.summaries.evaluation_rows import mean_rows, query_rows, slice_rows, value_run

    named = distinct_tags([file.run for file in read], [str(path) for path in runs])
    grades = options.texts.with_lengths(judged.qrels, named, metrics)
    kept, excluded = grades.without_excluded()
    rows: list[Row] = []
    coverage: list[Coverage] = []
    for run, file in zip(named, read, strict=True):
        check_overlap(run, grades, _hint_on_ids(grades, options.queries))
        commented = len(judged.commented) + len(file.commented)
        values = value_run(
            run, grades, metrics, ties=options.ties, unjudged=options.unjudged, commented=commented
        )
        coverage.append(values.coverage)
        if options.per_query:
            rows += query_rows(values)
        else:
            rows += mean_rows(values) if options.by is None else slice_rows(values, options.by, levels)
        rows = with_budgets(rows, run.without(excluded), kept, metrics)
    commented_lines = {str(qrels): judged.commented}
    commented_lines |= {str(path): file.commented for path, file in zip(runs, read, strict=True)}
    return Evaluation(rows, tuple(coverage), GradeFacts.of(judged.qrels), commented_lines)


@contextmanager
def _reading(paths: Sequence[Path]) -> Iterator[Iterator[RunFile]]:
    """Read runs in a thread while other work goes on: Arrow parses without the interpreter's lock."""
    pool = ThreadPoolExecutor(1)
    try:
        yield pool.map(read_run_file, paths)
    finally:
        pool.shutdown(cancel_futures=True)


def _levels(by: str, qrels: Qrels, queries: Mapping[str, Query]) -> Mapping[str, Sequence[str]]:
    from evalkit.summaries.evaluation_rows import levels_by

    return levels_by(by, qrels, queries)


def _hint_on_ids(qrels: Qrels, queries: Path | None) -> str | None:
    """Return what to do if the judgments name queries by their texts and no table has the ids."""
    if queries is not None or not all(map(is_from_text, qrels.answerable[:1])):
        return None
    return (
        "add --queries FILE with the ids and texts of the queries, because the judgments name queries by text"
    )


def _read_queries(path: Path | None) -> dict[str, Query]:
    if path is None:
        return {}
    from evalkit.datasets.columns import QueryColumns, queries

    return {query.query_id: query for query in queries(read_rows(path), QueryColumns())}
