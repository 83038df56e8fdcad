"""Laws of judgments in columns."""

from __future__ import annotations

import pickle

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalkit.records import GradesByQuery, JudgedColumns, Qrels

DOCS = st.sampled_from(["a", "b", "c", "d"])
GRADES = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3"]), st.dictionaries(DOCS, st.integers(-1, 3), max_size=4), max_size=3
)


@given(grades=GRADES)
def test_columns_are_the_same_judgments(grades: dict[str, dict[str, int]]) -> None:
    """As a mapping, too, which equals the dictionary that the columns were made of."""
    found = GradesByQuery(JudgedColumns.of(grades))
    assert found == grades
    assert list(found) == list(grades)
    assert pickle.loads(pickle.dumps(found)) == grades  # noqa: S301
    assert Qrels(found) == Qrels(grades)


@given(grades=GRADES)
def test_only_queries_with_a_relevant_document_are_averaged(grades: dict[str, dict[str, int]]) -> None:
    """Their judgments stay whole."""
    averaged = JudgedColumns.of(grades).averaged
    assert GradesByQuery(averaged) == {
        query_id: docs for query_id, docs in grades.items() if any(grade > 0 for grade in docs.values())
    }


@given(grades=GRADES, query=st.integers(0, 2), doc=DOCS)
def test_a_judgment_is_found_by_query_and_document(
    grades: dict[str, dict[str, int]], query: int, doc: str
) -> None:
    """A pair without a judgment has the row -1."""
    columns = JudgedColumns.of(grades)
    code = columns.doc_names.codes.get(doc)
    if code is None or query >= len(columns.query_ids):
        return
    (row,) = columns.find(np.array([query]), np.array([code])).tolist()
    expected = grades[columns.query_ids[query]].get(doc)
    assert (None if row < 0 else int(columns.grades[row])) == expected
