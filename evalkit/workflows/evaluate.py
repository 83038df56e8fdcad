"""``evalkit evaluate``: TREC files in, the rows of a table out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit.formats import read_qrels, read_rows, read_run
from evalkit.metrics import parse_metrics
from evalkit.records import Query, Run
from evalkit.summaries.evaluation_rows import Row, levels_by, mean_rows, query_rows, slice_rows, value_run

DEFAULT_METRICS = ("nDCG@10", "MRR@10")


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """What the table holds.

    Attributes
    ----------
    metrics
        The default ones where empty.
    per_query
        The value of every query, instead of means.
    by
        Means by this property of the queries, too; None for none.
    queries
        File with the queries, for properties that judgments do not show.
    ties, unjudged
        Whether columns show what ties, and unjudged documents, could change.
    """

    metrics: Sequence[str] = ()
    per_query: bool = False
    by: str | None = None
    queries: Path | None = None
    ties: bool = False
    unjudged: bool = False


def evaluate_files(qrels: Path, runs: Sequence[Path], options: EvaluationOptions) -> list[Row]:
    """Evaluate runs against judgments.

    Raises
    ------
    InputError
        If a file, a metric or the property of the queries cannot be read.
    """
    metrics = parse_metrics(options.metrics or DEFAULT_METRICS)
    judged = read_qrels(qrels)
    levels = {} if options.by is None else levels_by(options.by, judged, _read_queries(options.queries))
    rows: list[Row] = []
    for run in _named([read_run(path) for path in runs], runs):
        values = value_run(run, judged, metrics, ties=options.ties, unjudged=options.unjudged)
        if options.per_query:
            rows += query_rows(values)
        else:
            rows += mean_rows(values) if options.by is None else slice_rows(values, options.by, levels)
    return rows


def _read_queries(path: Path | None) -> dict[str, Query]:
    from evalkit.datasets.columns import QueryColumns, queries

    if path is None:
        return {}
    return {query.query_id: query for query in queries(read_rows(path), QueryColumns())}


def _named(runs: Sequence[Run], paths: Sequence[Path]) -> list[Run]:
    """Name runs by their tags, or by their files where two have the same tag."""
    tags = [run.tag for run in runs]
    return [
        run if tags.count(run.tag) == 1 else replace(run, tag=str(path))
        for run, path in zip(runs, paths, strict=True)
    ]
