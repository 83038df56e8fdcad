"""``evalkit evaluate``: the rows of a table from TREC files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evalkit.formats import read_qrels, read_rows, read_run
from evalkit.metrics import parse_metrics, proper_name
from evalkit.records import Query
from evalkit.summaries.budget_rows import with_budgets
from evalkit.summaries.budget_texts import BudgetTexts
from evalkit.summaries.evaluation_rows import Row, levels_by, mean_rows, query_rows, slice_rows, value_run
from evalkit.summaries.opened_results import distinct_tags

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


def evaluate_files(qrels: Path, runs: Sequence[Path], options: EvaluationOptions) -> list[Row]:
    """Evaluate runs against judgments.

    Raises
    ------
    InputError
        If a file, a metric or the property of the queries cannot be read.
    """
    metrics = parse_metrics(map(proper_name, options.metrics or DEFAULT_METRICS))
    options.texts.check(metrics)
    judged = read_qrels(qrels)
    levels = {} if options.by is None else levels_by(options.by, judged, _read_queries(options.queries))
    rows: list[Row] = []
    read = distinct_tags([read_run(path) for path in runs], [str(path) for path in runs])
    judged = options.texts.with_lengths(judged, read, metrics)
    for run in read:
        values = value_run(run, judged, metrics, ties=options.ties, unjudged=options.unjudged)
        if options.per_query:
            rows += query_rows(values)
        else:
            rows += mean_rows(values) if options.by is None else slice_rows(values, options.by, levels)
        rows = with_budgets(rows, run, judged, metrics)
    return rows


def _read_queries(path: Path | None) -> dict[str, Query]:
    from evalkit.datasets.columns import QueryColumns, queries

    if path is None:
        return {}
    return {query.query_id: query for query in queries(read_rows(path), QueryColumns())}
