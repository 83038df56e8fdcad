"""The rows of ``evalkit evaluate``: means or values per query, with bounds, and means by query type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet
from evalkit.comparison.slices import group_by_level, level_functions
from evalkit.errors import InputError, UnknownNameError
from evalkit.metrics import Metric, evaluate, has_tie_bounds, has_unjudged_bounds, tie_bounds, unjudged_bounds
from evalkit.query_clusters import QueryClusters
from evalkit.records import Coverage, GradeFacts, MetricValues, Qrels, Query, Run
from evalkit.stats import MIN_QUERIES
from evalkit.summaries.system_means import system_mean

Row = dict[str, Any]
ALL = "all"
"""The level of all queries."""
COVERAGE_COLUMNS = (
    "missing_queries",
    "queries_without_relevant",
    "unjudged_queries",
    "excluded_documents",
    "no_document_judged",
    "judged_by_subtopic",
    "negative_grades",
    "grades_above_10",
    "commented_rows",
)
"""Columns of means that say which queries and judgments they rest on; tables have sentences instead."""


@dataclass(frozen=True, slots=True, eq=False)
class Valued:
    """The values of one run.

    Attributes
    ----------
    values
        Of every metric.
    bounds
        Column -> values under another assumption about ties or unjudged documents; without the metrics for which
        they cannot be computed.
    coverage
        The judged queries that the run has and lacks.
    grades
        What is unusual in the judgments.
    commented
        Number of lines of the files that are comments though they have the columns of a row.
    """

    values: MetricValues
    bounds: Mapping[str, MetricValues]
    coverage: Coverage
    grades: GradeFacts
    commented: int = 0


def value_run(
    run: Run, qrels: Qrels, metrics: Sequence[Metric], *, ties: bool, unjudged: bool, commented: int = 0
) -> Valued:
    """Evaluate a run; with `ties` and `unjudged` also under other orders of ties and other judgments.

    Documents that the judgments exclude for a query are first removed from its list.
    """
    coverage, grades = Coverage.of(run, qrels), GradeFacts.of(qrels)
    qrels, excluded = qrels.without_excluded()
    run = run.without(excluded)
    bounds: dict[str, MetricValues] = {}
    if ties:
        averaged = [metric for metric in metrics if has_tie_bounds(metric) and not metric.summed]
        over_orders = tie_bounds(run, qrels, averaged)
        bounds |= {"best": over_orders.best, "expected": over_orders.expected, "worst": over_orders.worst}
    if unjudged:
        over_grades = unjudged_bounds(
            run, qrels, [metric for metric in metrics if has_unjudged_bounds(metric)]
        )
        bounds |= {"least": over_grades.least, "most": over_grades.most}
    return Valued(evaluate(run, qrels, metrics), bounds, coverage, grades, commented)


def mean_rows(valued: Valued) -> Iterator[Row]:
    """Yield the mean of every metric over all queries."""
    return _means(valued, np.arange(len(valued.values.query_ids)), {})


def slice_rows(valued: Valued, by: str, levels: Mapping[str, Sequence[str]]) -> Iterator[Row]:
    """Yield the mean of every metric over all queries, and over the queries of each level."""
    place = {query_id: row for row, query_id in enumerate(valued.values.query_ids)}
    yield from _means(valued, np.arange(len(place)), {"by": by, "level": ALL})
    for level, query_ids in levels.items():
        rows = np.array([place[query_id] for query_id in query_ids], dtype=np.int64)
        yield from _means(valued, rows, {"by": by, "level": level.strip()})


def query_rows(valued: Valued) -> Iterator[Row]:
    """Yield the value of every metric for every query."""
    values = valued.values
    for row, query_id in enumerate(values.query_ids):
        for column, metric in enumerate(values.metrics):
            yield {
                "run": values.tag,
                "query_id": query_id,
                "metric": metric,
                "value": known_number(values.values[row, column]),
                **_bound_means(valued, metric, np.array([row])),
            }


def levels_by(by: str, qrels: Qrels, queries: Mapping[str, Query]) -> dict[str, list[str]]:
    """Return level -> the averaged queries of that level.

    Parameters
    ----------
    by
        A property of queries: ``relevant documents``; where `queries` is not empty, also ``words in the query`` or
        one of their fields.
    qrels, queries
        The judgments; query id -> query, may be empty.

    Raises
    ------
    InputError
        If `queries` lacks an averaged query, or is empty and needed for the property.
    UnknownNameError
        If the queries do not have the property.
    """
    missing = [query_id for query_id in qrels.answerable if queries and query_id not in queries]
    if missing:
        raise InputError(
            f"{len(missing)} judged queries are missing in the queries file (first: {missing[0]!r})",
            "use the queries that belong to the judgments",
        )
    known = level_functions(ComparisonSet("", qrels, {}, queries))
    if by not in known and not queries:
        raise InputError(
            f"the judgments contain no query field {by!r}",
            "give a file that contains it with --queries FILE, or use 'relevant documents'",
        )
    if by not in known:
        raise UnknownNameError("kind of query", by, set(known))
    return group_by_level(known[by], qrels.answerable)


def note_on(rows: Sequence[Row]) -> str:
    """Return the note of a table of such rows: how to read its columns."""
    columns = rows[0].keys() if rows else set()
    notes = []
    if "lower" in columns:
        notes.append(
            "Lower and upper: 95 % confidence interval of the mean (exact for values of 0 and 1, else"
            " Student t)."
        )
        if any(row["n"] < MIN_QUERIES for row in rows):
            notes.append(f"With fewer than {MIN_QUERIES} queries these intervals are inaccurate.")
    if "best" in columns:
        notes.append("Best, expected and worst: over all orders of tied documents.")
    if "most" in columns:
        notes.append(
            "Least and most: bounds over all possible judgments of unjudged documents within the cutoff."
        )
    return " ".join(notes)


def _means(valued: Valued, rows: NDArray[np.int64], level: Mapping[str, str]) -> Iterator[Row]:
    values = valued.values
    coverage = _coverage_columns(valued, rows, whole=level.get("level", ALL) == ALL)
    for metric in values.metrics:
        interval = system_mean(values, metric, QueryClusters(), rows=rows)
        yield {
            "run": values.tag,
            "metric": metric,
            **level,
            "value": interval.estimate,
            "lower": interval.lower,
            "upper": interval.upper,
            **_bound_means(valued, metric, rows),
            "n": interval.n,
            **coverage,
        }


def _coverage_columns(valued: Valued, rows: NDArray[np.int64], *, whole: bool) -> Row:
    """Return `COVERAGE_COLUMNS` of some queries; counts of queries without a level are None but for all queries."""
    coverage, grades = valued.coverage, valued.grades
    missing = frozenset(coverage.missing)
    counts = (
        sum(valued.values.query_ids[row] in missing for row in rows),
        len(coverage.unanswerable) if whole else None,
        len(coverage.unjudged) if whole else None,
        coverage.excluded_documents if whole else None,
        coverage.unlike_documents is not None if whole else None,
        grades.by_subtopic,
        grades.negative,
        grades.high,
        valued.commented,
    )
    return dict(zip(COVERAGE_COLUMNS, counts, strict=True))


def _bound_means(valued: Valued, metric: str, rows: NDArray[np.int64]) -> dict[str, float | None]:
    """Return column -> mean of each bound over the queries where it is known; None where it cannot be computed."""
    return {
        column: _known_mean(values.of(metric)[rows]) if metric in values.metrics else None
        for column, values in valued.bounds.items()
    }


def _known_mean(values: NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def known_number(value: float) -> float | None:
    """Return a value as a number; None if it is NaN, which means unknown."""
    return None if np.isnan(value) else float(value)
