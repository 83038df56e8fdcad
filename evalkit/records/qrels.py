"""Relevance judgments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from evalkit.errors import DataFormatError


@dataclass(frozen=True, slots=True)
class Qrels:
    """Judgments: query id -> document id -> integer grade.

    A document without an entry is unjudged. A grade of 0 or below means "judged, not relevant".
    """

    grades: Mapping[str, Mapping[str, int]]

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[str, str, int]]) -> Qrels:
        """Build from ``(query_id, doc_id, grade)`` rows.

        Raises
        ------
        DataFormatError
            If one pair is judged twice with different grades.
        """
        grades: dict[str, dict[str, int]] = {}
        for query_id, doc_id, grade in rows:
            of_query = grades.setdefault(query_id, {})
            if of_query.setdefault(doc_id, grade) != grade:
                raise DataFormatError(
                    f"query {query_id!r}, document {doc_id!r} is judged {of_query[doc_id]} and {grade}",
                    "keep one judgment for each pair",
                )
        return cls(grades)

    @property
    def answerable(self) -> tuple[str, ...]:
        """Queries with any grade above 0, in order: the ones that means are taken over."""
        return tuple(q for q, docs in self.grades.items() if any(g > 0 for g in docs.values()))

    @property
    def unanswerable(self) -> tuple[str, ...]:
        """Queries that were judged and that nothing answers, in order."""
        return tuple(q for q, docs in self.grades.items() if not any(g > 0 for g in docs.values()))

    def of(self, query_id: str) -> Mapping[str, int]:
        """Return the judgments of one query; empty where there are none."""
        return self.grades.get(query_id, {})

    def restricted_to(self, query_ids: Iterable[str]) -> Qrels:
        """Return the judgments of these queries only, in their order."""
        return Qrels({q: self.grades[q] for q in query_ids if q in self.grades})

    def count(self) -> int:
        """Return the number of judged pairs."""
        return sum(len(docs) for docs in self.grades.values())
