"""Laws of judgments in columns."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import DataFormatError
from evalkit.records import GradesByQuery, JudgedColumns, Qrels, grade_column, grade_text, plain_grade

DOCS = st.sampled_from(["a", "b", "c", "d"])
GRADES = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3"]),
    st.dictionaries(DOCS, st.integers(-1, 3) | st.sampled_from([0.25, 1.75]), max_size=4),
    max_size=3,
)


@given(grades=GRADES)
def test_columns_are_the_same_judgments(grades: dict[str, dict[str, float]]) -> None:
    """As a mapping, too, which equals the dictionary that the columns were made of."""
    found = GradesByQuery(JudgedColumns.of(grades))
    assert found == grades
    assert list(found) == list(grades)
    assert pickle.loads(pickle.dumps(found)) == grades  # noqa: S301
    assert Qrels(found) == Qrels(grades)


@given(grades=GRADES)
def test_only_queries_with_a_relevant_document_are_averaged(grades: dict[str, dict[str, float]]) -> None:
    """Their judgments stay whole."""
    averaged = JudgedColumns.of(grades).averaged
    assert GradesByQuery(averaged) == {
        query_id: docs for query_id, docs in grades.items() if any(grade > 0 for grade in docs.values())
    }


@given(grades=GRADES, query=st.integers(0, 2), doc=DOCS)
def test_a_judgment_is_found_by_query_and_document(
    grades: dict[str, dict[str, float]], query: int, doc: str
) -> None:
    """A pair without a judgment has the row -1."""
    columns = JudgedColumns.of(grades)
    code = columns.doc_names.codes.get(doc)
    if code is None or query >= len(columns.query_ids):
        return
    (row,) = columns.find(np.array([query]), np.array([code])).tolist()
    expected = grades[columns.query_ids[query]].get(doc)
    assert (None if row < 0 else columns.grades[row]) == expected


@given(grade=st.floats(-1000, 1000) | st.integers(-1000, 1000))
def test_the_text_of_a_grade_is_read_back_exactly(grade: float) -> None:
    """It is a whole number where the grade is one, and has no exponent."""
    text = grade_text(grade)
    assert float(text) == grade
    assert "e" not in text
    assert ("." in text) == (grade != int(grade))
    assert type(plain_grade(grade)) is (int if grade == int(grade) else float)


def test_columns_are_whole_numbers_unless_a_grade_is_fractional() -> None:
    """So judgments with whole grades are computed with as ever; what is no number is refused."""
    assert grade_column([2, 1.0, True]).dtype == grade_column([]).dtype == np.int64
    assert grade_column(np.array([0.5, 2.0])).tolist() == [0.5, 2.0]
    mapping = GradesByQuery(JudgedColumns.of({"q": {"a": 2, "b": 0.5}}))
    assert repr(mapping) == "{'q': {'a': 2, 'b': 0.5}}"
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(DataFormatError, match="not a finite number"):
            grade_column([1, wrong])
