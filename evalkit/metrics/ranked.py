"""A run seen through its judgments: arrays that every kernel reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.records import Qrels, Run


@dataclass(frozen=True, slots=True, eq=False)
class RankedGrades:
    """Grades in rank order for q queries, padded to the longest list w.

    Attributes
    ----------
    query_ids
        ``(q,)`` the averaged queries: those of the qrels with any grade above 0.
    grades
        ``(q, w)`` int64 grade of the document at each rank; 0 where unjudged, or beyond the list.
    judged
        ``(q, w)`` whether that document was judged for that query.
    retrieved
        ``(q,)`` length of each list; 0 for a query that the run lacks.
    ideal
        ``(q, i)`` int64 all positive grades of the query, descending, padded with 0.
    """

    query_ids: tuple[str, ...]
    grades: NDArray[np.int64]
    judged: NDArray[np.bool_]
    retrieved: NDArray[np.int64]
    ideal: NDArray[np.int64]


def rank_grades(run: Run, qrels: Qrels) -> RankedGrades:
    """Look up the grade of every ranked document, once, for all metrics."""
    query_ids = qrels.answerable
    lists = [run.docs(query_id) for query_id in query_ids]
    ideals = [sorted((g for g in qrels.of(q).values() if g > 0), reverse=True) for q in query_ids]
    shape = (len(query_ids), max(map(len, lists), default=0))
    grades = np.zeros(shape, dtype=np.int64)
    judged = np.zeros(shape, dtype=np.bool_)
    for row, (query_id, docs) in enumerate(zip(query_ids, lists, strict=True)):
        of_query = qrels.of(query_id)
        for rank, doc_id in enumerate(docs):
            grade = of_query.get(doc_id)
            if grade is not None:
                judged[row, rank] = True
                grades[row, rank] = grade
    ideal = np.zeros((len(query_ids), max(map(len, ideals), default=0)), dtype=np.int64)
    for row, best in enumerate(ideals):
        ideal[row, : len(best)] = best
    return RankedGrades(
        query_ids, grades, judged, np.array([len(docs) for docs in lists], dtype=np.int64), ideal
    )
