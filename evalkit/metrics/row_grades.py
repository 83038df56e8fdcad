"""The judgments of every row of a run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.records import Grades, Qrels, Run


def row_grades(run: Run, qrels: Qrels) -> tuple[Grades, NDArray[np.bool_]]:
    """Return the ``(r,)`` grade of the document of each row, 0 where it is unjudged, and whether it is judged."""
    judged = qrels.columns
    row_of = {query_id: row for row, query_id in enumerate(judged.query_ids)}
    queries = np.fromiter((row_of.get(q, -1) for q in run.query_ids), np.int64, len(run.query_ids))
    query = np.repeat(queries, np.diff(run.offsets))
    code = judged.doc_names.codes_of(run.doc_names)[run.doc_codes]
    found = judged.find(query, code)
    rows = np.flatnonzero(found >= 0)
    grades, is_judged = np.zeros(len(run), dtype=judged.grades.dtype), np.zeros(len(run), dtype=np.bool_)
    grades[rows], is_judged[rows] = judged.grades[found[rows]], True
    return grades, is_judged
