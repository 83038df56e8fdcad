"""The grades of the pairs that two raters both judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.records import DocumentTokens, Qrels, plain_grade
from evalkit.records.qrels import EXCLUDED_GRADE

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CommonGrades:
    """Grades of the pairs that a judge and the rater it is compared with both judged. Below 0 means 0.

    Attributes
    ----------
    query_ids, doc_ids
        ``(n,)`` query and document of each pair.
    clusters
        ``(n,)`` number of the query of each pair, from 0 without gaps.
    judge, reference
        ``(n,)`` grades.
    only_judge, only_reference
        Number of pairs that one of them alone judged; they are left out.
    tokens
        Lengths of documents, for a metric at a budget of tokens; None where they are unknown.
    """

    query_ids: tuple[str, ...]
    doc_ids: tuple[str, ...]
    clusters: NDArray[np.int64]
    judge: Floats
    reference: Floats
    only_judge: int
    only_reference: int
    tokens: DocumentTokens | None = None

    @property
    def queries(self) -> int:
        """Number of queries."""
        return int(self.clusters.max(initial=-1)) + 1

    def qrels(self, grades: Floats) -> Qrels:
        """Return ``(n,)`` grades of the pairs as judgments."""
        found: dict[str, dict[str, float]] = {}
        for query_id, doc_id, grade in zip(self.query_ids, self.doc_ids, grades.tolist(), strict=True):
            found.setdefault(query_id, {})[doc_id] = plain_grade(grade)
        return Qrels(found, tokens=self.tokens)


def common_grades(judge: Qrels, reference: Qrels) -> CommonGrades:
    """Return the grades of the pairs that both judged, in the order of the reference.

    Documents that the reference excludes for a query are no pairs.
    """
    known = _graded(reference)
    found = _graded(judge)
    rows = [
        (query_id, doc_id, found[query_id][doc_id], grade)
        for query_id, docs in known.items()
        for doc_id, grade in docs.items()
        if doc_id in found.get(query_id, ())
    ]
    numbers = {query_id: place for place, query_id in enumerate(dict.fromkeys(row[0] for row in rows))}
    of_judge, of_reference = (np.array([row[side] for row in rows], dtype=np.float64) for side in (2, 3))
    return CommonGrades(
        tuple(row[0] for row in rows),
        tuple(row[1] for row in rows),
        np.array([numbers[row[0]] for row in rows], dtype=np.int64),
        np.maximum(of_judge, 0),
        np.maximum(of_reference, 0),
        _count(found) - len(rows),
        _count(known) - len(rows),
    )


def _graded(qrels: Qrels) -> Mapping[str, Mapping[str, float]]:
    return {
        query_id: {doc_id: grade for doc_id, grade in docs.items() if grade != EXCLUDED_GRADE}
        for query_id, docs in qrels.grades.items()
    }


def _count(grades: Mapping[str, Mapping[str, float]]) -> int:
    return sum(map(len, grades.values()))


def levels_of(grades: Floats) -> Floats:
    """Return grades as levels: whole numbers, a half rounded up."""
    return np.floor(grades + 0.5)


def at_least(grades: Floats, level: float) -> Floats:
    """Return 1 for grades of at least `level`, and 0 for others."""
    return (grades >= level).astype(np.float64)
