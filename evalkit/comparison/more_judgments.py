"""The difference of two systems if more of their documents were judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.comparison_set import System, pair
from evalkit.comparison.counted_documents import CountedDocuments, Ints, Pairs
from evalkit.metrics import evaluate, parse_metric
from evalkit.metrics.evaluation import compute
from evalkit.metrics.metric import Metric, MetricDefinition
from evalkit.metrics.ranked import RankedGrades, queries_at, rank_grades, with_more_judged
from evalkit.records import Grades, Qrels

_MOST_ROWS = 2**17
"""Judged documents of all cases in memory at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """Queries with more judgments. A query may be in several cases.

    Attributes
    ----------
    query
        ``(m,)`` number of the query of each case.
    case, doc, grade
        ``(e,)`` case of each further judgment, ascending; number of its document; and its grade.
    """

    query: Ints
    case: Ints
    doc: Ints
    grade: Grades

    def only(self, start: int, stop: int) -> Cases:
        """Return the cases of a range."""
        low, high = np.searchsorted(self.case, (start, stop))
        rows = slice(low, high)
        return Cases(self.query[start:stop], self.case[rows] - start, self.doc[rows], self.grade[rows])


@dataclass(frozen=True, slots=True, eq=False)
class MoreJudgments:
    """Two systems whose lists may be judged further.

    Attributes
    ----------
    baseline, contender
        The systems; their runs need no documents that cannot influence the metric.
    counted
        Numbers queries and documents.
    qrels, metric
        The present judgments and the label of the metric.
    """

    baseline: System
    contender: System
    counted: CountedDocuments
    qrels: Qrels
    metric: str

    def differences(self, cases: Cases) -> NDArray[np.float64]:
        """Return the ``(m,)`` difference of each case, contender minus baseline; NaN where a value is unknown."""
        metric = parse_metric(self.metric)
        if metric.definition is None or metric.budget_tokens is not None:
            return self._evaluated(cases)
        return self._computed(cases, metric, metric.definition)

    def _computed(self, cases: Cases, metric: Metric, definition: MetricDefinition) -> NDArray[np.float64]:
        """Return the differences by the definition of the metric, from the lists of the cases alone."""
        before, after = (
            _JudgedList.of(system, self.counted, self.qrels) for system in (self.baseline, self.contender)
        )
        found = np.full(len(cases.query), np.nan)
        for start, stop in before.parts(cases.query):
            part = cases.only(start, stop)
            values = [compute(definition, one.with_cases(part), metric) for one in (before, after)]
            found[start:stop] = values[1] - values[0]
        return found

    def _evaluated(self, cases: Cases) -> NDArray[np.float64]:
        """Return the differences by whole evaluations, each with one case of every query."""
        order = np.argsort(cases.query, kind="stable")
        ordinal = np.empty(len(order), dtype=np.int64)
        ordinal[order] = np.arange(len(order)) - np.searchsorted(cases.query[order], cases.query[order])
        found = np.full(len(order), np.nan)
        for number in range(int(ordinal.max(initial=-1)) + 1):
            differences = self._evaluated_once(cases, ordinal[cases.case] == number)
            for case in np.flatnonzero(ordinal == number).tolist():
                query_id = self.counted.query_ids[cases.query[case]]
                found[case] = differences.get(query_id, np.nan)
        return found

    def _evaluated_once(self, cases: Cases, chosen: NDArray[np.bool_]) -> dict[str, float]:
        """Return query id -> difference with the chosen judgments."""
        names, query_ids = self.counted.doc_names, self.counted.query_ids
        more: dict[str, dict[str, float]] = {}
        rows = (column[chosen].tolist() for column in (cases.query[cases.case], cases.doc, cases.grade))
        for query, doc, grade in zip(*rows, strict=True):
            query_id = query_ids[query]
            more.setdefault(query_id, dict(self.qrels.of(query_id)))[names[doc]] = grade
        changed = Qrels({**self.qrels.grades, **more}, tokens=self.qrels.tokens)
        values = [
            evaluate(system.run, changed.restricted_to(system.values.query_ids), [parse_metric(self.metric)])
            for system in (self.baseline, self.contender)
        ]
        paired = pair(values[0], values[1], self.metric)
        return dict(zip(paired.query_ids, paired.differences.tolist(), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class _JudgedList:
    """The judged documents of a system's lists, and the places of all documents.

    Attributes
    ----------
    ranked
        The judged documents of all averaged queries.
    row
        ``(q,)`` row in `ranked` of each query by its number.
    keys, places
        ``(r,)`` query and document of each row of the run as one ascending number, and its place.
    documents
        Number of documents.
    """

    ranked: RankedGrades
    row: Ints
    keys: Ints
    places: Ints
    documents: int

    @classmethod
    def of(cls, system: System, counted: CountedDocuments, qrels: Qrels) -> _JudgedList:
        run, ranked = system.run, rank_grades(system.run, qrels)
        row_of = {query_id: row for row, query_id in enumerate(ranked.query_ids)}
        row = np.array([row_of[query_id] for query_id in counted.query_ids], dtype=np.int64)
        number_of = {query_id: number for number, query_id in enumerate(counted.query_ids)}
        number = np.array([number_of.get(query_id, -1) for query_id in run.query_ids], dtype=np.int64)
        documents = len(counted.doc_names)
        keys = number[run.owners] * documents + counted.doc_names.codes_of(run.doc_names)[run.doc_codes]
        order = keys.argsort()
        return cls(ranked, row, keys[order], run.places[order], documents)

    def parts(self, queries: Ints) -> Iterator[tuple[int, int]]:
        """Yield the first and the last case (exclusive) of parts that have room in memory."""
        judged = np.bincount(self.ranked.ideal.query, minlength=len(self.ranked))
        ends = judged[self.row[queries]].cumsum()
        start = 0
        while start < len(queries):
            done = ends[start - 1] if start else 0
            stop = max(int(np.searchsorted(ends, done + _MOST_ROWS, side="right")), start + 1)
            yield start, stop
            start = stop

    def with_cases(self, cases: Cases) -> RankedGrades:
        """Return the list of each case with its further judgments."""
        wanted = cases.query[cases.case] * self.documents + cases.doc
        at = np.minimum(np.searchsorted(self.keys, wanted), max(len(self.keys) - 1, 0))
        place = np.where(self.keys[at] == wanted, self.places[at], 0) if len(self.keys) else np.zeros_like(at)
        lists = queries_at(self.ranked, self.row[cases.query])
        return with_more_judged(lists, cases.case, place, cases.grade)


def each_alone(pairs: Pairs, grade: float) -> Cases:
    """Return a case for each pair, in which its document alone gets a grade."""
    number = np.arange(len(pairs))
    return Cases(pairs.query, number, pairs.doc, np.full(len(pairs), grade))


def all_together(queries: Ints, pairs: Pairs, grades: Grades) -> Cases:
    """Return a case for each of the ascending queries, in which all documents of pairs get their grades."""
    at = np.searchsorted(queries, pairs.query)
    known = np.flatnonzero(queries[np.minimum(at, len(queries) - 1)] == pairs.query)
    known = known[np.argsort(at[known], kind="stable")]
    return Cases(queries, at[known], pairs.doc[known], grades[known])


def one_after_the_other(pairs: Pairs, grade: float) -> Cases:
    """Return a case for each pair, in which its document and those before it of its query get a grade.

    The pairs of a query must be adjacent.
    """
    first = np.flatnonzero(np.diff(pairs.query, prepend=-1))
    starts = np.repeat(first, np.diff(np.append(first, len(pairs))))
    sizes = np.arange(len(pairs)) - starts + 1
    case = np.repeat(np.arange(len(pairs)), sizes)
    rows = np.arange(len(case)) - np.repeat(sizes.cumsum() - sizes, sizes) + starts[case]
    return Cases(pairs.query, case, pairs.doc[rows], np.full(len(case), grade))
