"""``evalkit evaluate``: the rows of a table from TREC files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evalkit.errors import InputError
from evalkit.formats import is_from_text, read_judgments, read_rows, read_run_file
from evalkit.metrics import check_metrics, parse_metrics, proper_name
from evalkit.records import Coverage, GradeFacts, Qrels, Query, check_overlap
from evalkit.summaries.budget_rows import with_budgets
from evalkit.summaries.budget_texts import BudgetTexts
from evalkit.summaries.evaluation_rows import Row, levels_by, mean_rows, query_rows, slice_rows, value_run
from evalkit.summaries.system_names import distinct_tags

DEFAULT_METRICS = ("nDCG@10", "MRR@10")


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
    judged = read_judgments(qrels, {query_id: query.text for query_id, query in queries.items()} or None)
    if not judged.qrels.answerable:
        raise InputError(f"{qrels} contains no query with a relevant document", "check the qrels")
    check_metrics(metrics, judged.qrels, f"the judgments in {qrels}")
    levels = {} if options.by is None else levels_by(options.by, judged.qrels, queries)
    read = [read_run_file(path) for path in runs]
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
