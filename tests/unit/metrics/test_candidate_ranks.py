"""Ranks of documents in another run, compared with a lookup of each."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalkit.metrics.candidate_ranks import ranks_in
from evalkit.metrics.row_grades import row_grades
from evalkit.records import Qrels, Run

LISTS = st.dictionaries(st.sampled_from("pqr"), st.lists(st.sampled_from("abcdefg"), unique=True), max_size=3)


def run_of(lists: dict[str, list[str]]) -> Run:
    """Return a run with the lists in their order."""
    rows = [(query_id, doc_id, -rank) for query_id, docs in lists.items() for rank, doc_id in enumerate(docs)]
    return Run.from_rows(
        "r", [r[0] for r in rows], [r[1] for r in rows], np.array([r[2] for r in rows], dtype=float)
    )


@given(LISTS, LISTS)
def test_ranks_are_those_of_a_lookup(candidates: dict[str, list[str]], lists: dict[str, list[str]]) -> None:
    """0 for a document that is no candidate of its query."""
    expected = [
        candidates.get(query_id, []).index(doc_id) + 1 if doc_id in candidates.get(query_id, []) else 0
        for query_id, docs in lists.items()
        for doc_id in docs
    ]
    assert ranks_in(run_of(candidates), run_of(lists)).tolist() == expected


@given(
    LISTS,
    st.dictionaries(st.sampled_from("pqs"), st.dictionaries(st.sampled_from("abcxy"), st.integers(-1, 2))),
)
def test_grades_of_rows_are_those_of_a_lookup(
    lists: dict[str, list[str]], grades: dict[str, dict[str, int]]
) -> None:
    """A document of grade 0 is judged, and one without a grade is not."""
    found, judged = row_grades(run_of(lists), Qrels(grades))
    rows = [(query_id, doc_id) for query_id, docs in lists.items() for doc_id in docs]
    assert found.tolist() == [grades.get(query_id, {}).get(doc_id, 0) for query_id, doc_id in rows]
    assert judged.tolist() == [doc_id in grades.get(query_id, {}) for query_id, doc_id in rows]
