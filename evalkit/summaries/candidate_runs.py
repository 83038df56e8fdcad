"""Candidates of a comparison set: the first stage's run, its best possible order, and relevance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet, System
from evalkit.metrics.row_grades import row_grades
from evalkit.records import RELEVANT_GRADE, Qrels, Run
from evalkit.results.manifest import CandidateLists
from evalkit.results.summary_document import BEST_ORDER

MADE_UP = "this result contains placeholder scores ('missing: last') and does not record which: rerun it"
"""Why scores are not used if `scored_documents` cannot tell which documents have a score."""


def first_stage_run(comparison_set: ComparisonSet) -> Run:
    """Return the candidates in the order of the first stage; an empty run where there is no first stage."""
    return comparison_set.first_stage or Run.from_rows("", [], [], [])


def candidate_lists(comparison_set: ComparisonSet) -> CandidateLists | None:
    """Return the counts of the lists at the depth of a comparison set; None without a first stage."""
    run, depth = comparison_set.first_stage, comparison_set.depth
    if run is None or depth is None:
        return None
    return CandidateLists.of_lengths(np.minimum(np.diff(run.offsets), depth).tolist())


def best_order(run: Run, qrels: Qrels) -> Run:
    """Return the documents of a run in the order of their grades, unjudged ones with grade 0."""
    grades, _ = row_grades(run, qrels)
    return Run.from_codes(
        BEST_ORDER, run.query_ids, run.owners, run.doc_names, run.doc_codes, grades.astype(np.float64)
    )


def relevant_rows(run: Run, qrels: Qrels) -> NDArray[np.bool_]:
    """Return ``(r,)`` whether the document of each row of a run is relevant: a grade of `RELEVANT_GRADE` or more."""
    return row_grades(run, qrels)[0] >= RELEVANT_GRADE


def scored_documents(system: System) -> tuple[Run, int | None]:
    """Return the documents that a system scored, and how many of those it was given have no score of their own.

    The number is None, and the run holds all it was given, where it is unknown which documents these are.
    """
    run, last = system.scores, system.placed_last
    if not last:
        return run, None if last is None else 0
    keep = np.array([d not in last.get(q, ()) for q, docs, _ in run for d in docs], dtype=np.bool_)
    return run.where(keep), int((~keep).sum())
