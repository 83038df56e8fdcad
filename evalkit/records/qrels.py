"""Relevance judgments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import compress

from evalkit.errors import DataFormatError
from evalkit.records.document_tokens import DocumentTokens
from evalkit.records.judged_columns import JudgedColumns, grade_text, plain_grade

HIGHEST_GRADE = 1_000
"""Exponential gains, ``2**grade - 1``, are finite up to here, and so are their sums."""


RELEVANT_GRADE = 1
"""A document is relevant from this grade on, where no metric sets another level: a grade of 0.5 is not enough."""

EXCLUDED_GRADE = -100
"""The grade with which BRIGHT and ir_datasets mark a document that must not be in the list of a query."""


def check_grade(grade: float, where: str, highest: int = HIGHEST_GRADE) -> float:
    """Return a grade.

    Parameters
    ----------
    grade
        The grade, which may be fractional; below 0 it means not relevant, as 0 does.
    where
        Position of the judgment, for the error.
    highest
        Largest absolute value.

    Raises
    ------
    DataFormatError
        If it is not finite, or its absolute value is larger.
    """
    if not abs(grade) <= highest:  # NaN is neither above nor below
        shown = "beyond 1e300" if abs(grade) >= 10**300 else f"{grade:.15g}"
        raise DataFormatError(
            f"{where} has the grade {shown}; grades are at most {highest}",
            "map counts, such as clicks, to a few grades, for instance 0 to 3",
        )
    return grade


@dataclass(frozen=True, slots=True)
class Qrels:
    """Relevance judgments. A document without an entry is unjudged; a grade of 0 or below means not relevant.

    Grades may be fractional, such as 1.75, the average of several raters. A document is relevant for a metric if its
    grade is at least the metric's ``rel``, 1 by default, so a grade of 0.5 is not; graded metrics count it with its
    gain. Means are over the queries with any grade above 0, also one below 1.

    Attributes
    ----------
    grades
        Query id -> document id -> grade, finite and at most `HIGHEST_GRADE` in absolute value. Whole grades are int or
        float alike.
    subtopics
        Query id -> subtopic -> document id -> grade, of judgments by subtopic (diversity qrels); empty for ordinary
        ones. The grade of a document in `grades` is then its highest over the subtopics.
    tokens
        Lengths of the documents, judged or not, for metrics at a budget of tokens; None if they were not counted.
        Judgments of other lengths are equal.
    """

    grades: Mapping[str, Mapping[str, float]]
    subtopics: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    tokens: DocumentTokens | None = field(default=None, compare=False, repr=False)
    _columns: JudgedColumns | None = field(default=None, init=False, compare=False, repr=False)

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[str, str, float]], highest: int = HIGHEST_GRADE) -> Qrels:
        """Build from ``(query_id, doc_id, grade)`` rows.

        Raises
        ------
        DataFormatError
            If one pair has two different grades, or a grade is not finite or beyond `highest`.
        """
        grades: dict[str, dict[str, float]] = {}
        for query_id, doc_id, given in rows:
            if not -highest <= given <= highest:
                check_grade(given, f"query {query_id!r}, document {doc_id!r}", highest)
            grade = given if type(given) is int else plain_grade(given)
            query_grades = grades.setdefault(query_id, {})
            if query_grades.setdefault(doc_id, grade) != grade:
                raise DataFormatError(
                    f"query {query_id!r}, document {doc_id!r} has two grades:"
                    f" {grade_text(query_grades[doc_id])} and {grade_text(grade)}",
                    "keep one judgment for each pair",
                )
        return cls(grades)

    @classmethod
    def from_subtopic_rows(
        cls, rows: Iterable[tuple[str, str, str, float]], highest: int = HIGHEST_GRADE
    ) -> Qrels:
        """Build judgments by subtopic from ``(query_id, subtopic, doc_id, grade)`` rows.

        Raises
        ------
        DataFormatError
            If a document has two different grades for one subtopic of a query, or a grade is beyond `highest`.
        """
        grades: dict[str, dict[str, float]] = {}
        subtopics: dict[str, dict[str, dict[str, float]]] = {}
        for query_id, subtopic, doc_id, given in rows:
            grade = plain_grade(check_grade(given, f"query {query_id!r}, document {doc_id!r}", highest))
            of_subtopic = subtopics.setdefault(query_id, {}).setdefault(subtopic, {})
            if of_subtopic.setdefault(doc_id, grade) != grade:
                raise DataFormatError(
                    f"query {query_id!r}, subtopic {subtopic!r}, document {doc_id!r} has two grades:"
                    f" {grade_text(of_subtopic[doc_id])} and {grade_text(grade)}",
                    "keep one judgment for each document of a subtopic",
                )
            query_grades = grades.setdefault(query_id, {})
            query_grades[doc_id] = max(query_grades.get(doc_id, grade), grade)
        return cls(grades, subtopics)

    @property
    def columns(self) -> JudgedColumns:
        """The grades in columns."""
        if self._columns is None:
            object.__setattr__(self, "_columns", JudgedColumns.of(self.grades))
        return self._columns  # type: ignore[return-value]

    @property
    def answerable(self) -> tuple[str, ...]:
        """Queries with at least one grade above 0, in order; means are computed over these."""
        return tuple(compress(self.columns.query_ids, self.columns.have_relevant.tolist()))

    @property
    def unanswerable(self) -> tuple[str, ...]:
        """Judged queries without a relevant document, in order."""
        return tuple(compress(self.columns.query_ids, (~self.columns.have_relevant).tolist()))

    def of(self, query_id: str) -> Mapping[str, float]:
        """Return the judgments of one query; empty if there are none."""
        return self.grades.get(query_id, {})

    def restricted_to(self, query_ids: Iterable[str]) -> Qrels:
        """Return the judgments of the given queries only, in the given order."""
        wanted = [q for q in query_ids if q in self.grades]
        subtopics = {q: self.subtopics[q] for q in wanted if q in self.subtopics}
        return Qrels({q: self.grades[q] for q in wanted}, subtopics, self.tokens)

    def with_tokens(self, tokens: DocumentTokens | None) -> Qrels:
        """Return the judgments with the lengths of documents."""
        return replace(self, tokens=tokens)

    def without_excluded(self) -> tuple[Qrels, dict[str, frozenset[str]]]:
        """Return the judgments without those of `EXCLUDED_GRADE`, and query id -> the documents that have it.

        A query of which nothing else is judged keeps an entry without documents.
        """
        if not (self.columns.grades == EXCLUDED_GRADE).any():
            return self, {}
        excluded = {
            query_id: frozenset(doc_id for doc_id, grade in docs.items() if grade == EXCLUDED_GRADE)
            for query_id, docs in self.grades.items()
            if EXCLUDED_GRADE in docs.values()
        }
        grades = {
            query_id: {d: g for d, g in docs.items() if d not in excluded.get(query_id, ())}
            for query_id, docs in self.grades.items()
        }
        subtopics = {
            query_id: {
                subtopic: {d: g for d, g in docs.items() if d not in excluded.get(query_id, ())}
                for subtopic, docs in of_query.items()
            }
            for query_id, of_query in self.subtopics.items()
        }
        return Qrels(grades, subtopics, self.tokens), excluded

    def count(self) -> int:
        """Return the number of judged pairs."""
        return len(self.columns.grades)
