"""Rows with named columns: judgments with and without grades, lists of ids, exclusions."""

from __future__ import annotations

from typing import Any

import pytest
from support.messages import said

from evalkit.datasets.columns import (
    JudgmentColumns,
    QueryColumns,
    queries_with_exclusions,
    read_judgments,
)
from evalkit.errors import ConfigError
from evalkit.formats import Rows


def rows(*cells: dict[str, Any]) -> Rows:
    """Return rows with their positions."""
    return iter([(f"t, row {number}", row) for number, row in enumerate(cells, start=1)])


def judged(*cells: dict[str, Any], **columns: Any) -> tuple[list[tuple[str, str, int]], bool]:
    """Return the judgments of rows, and whether they have no grades."""
    found, ungraded = read_judgments(rows(*cells), JudgmentColumns(**columns))
    return list(found), ungraded


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        ({"query-id": "q", "corpus-id": "d"}, {}),
        ({"query-id": "q", "corpus-id": ["d"]}, {}),
        ({"id": "q", "query": "words", "gold_ids": ["d"], "gold_answer": "x"}, {}),
        ({"query-id": "q", "positive-corpus-ids": ["d"], "bm25-ranked-ids": ["d", "e"]}, {}),
        ({"q": "q", "p": "d"}, {"query": "q", "document": "p"}),
        ({"query-id": "q", "corpus-id": "d", "lang": "en"}, {"fixed_grade": 1}),
    ],
)
def test_rows_without_a_grade_are_relevant_where_the_table_says_so(
    row: dict[str, Any], columns: dict[str, Any]
) -> None:
    """Two ids only, a column whose name says relevant, or a stated grade."""
    assert judged(row, **columns) == ([("q", "d", 1)], True)


def test_a_stated_grade_is_that_of_every_row() -> None:
    """Whatever the other columns are; together with a column of grades it is refused."""
    row = {"query-id": "q", "corpus-id": "d", "score": 17.5}
    assert judged(row, fixed_grade=2) == ([("q", "d", 2)], True)
    with pytest.raises(ValueError, match="either 'fixed_grade', or 'grade'"):
        JudgmentColumns(grade="score", fixed_grade=1)
    with pytest.raises((ValueError, ConfigError)):
        JudgmentColumns(fixed_grade=0)


def test_other_columns_without_a_grade_are_refused() -> None:
    """The error names the key that states the grade."""
    message = said(lambda: judged({"query-id": "q", "corpus-id": "d", "gain": 0.3}))
    assert message.startswith(
        "error: t, row 1 has no column for the grade; its columns: query-id, corpus-id, gain"
    )
    assert "set qrels: {fixed_grade: 1} if every row is a relevant document" in message


def test_rows_must_agree_on_having_a_grade() -> None:
    """A row of JSON Lines that lacks its grade is an error, not a relevant document."""
    graded = {"query-id": "q", "corpus-id": "d", "score": 0}
    bare = {"query-id": "q", "corpus-id": "e"}
    assert "t, row 2 has no grade, as the first row has" in said(lambda: judged(graded, bare))
    assert "t, row 2 has a grade, which the first row does not have" in said(lambda: judged(bare, graded))
    assert "t, row 1 has no grade" in said(lambda: judged({**graded, "score": None}))


def test_lists_of_ids_have_one_grade_or_one_each() -> None:
    """BRIGHT's N/A is an empty list."""
    row = {"query-id": "q", "corpus-id": ["d", "e"]}
    assert judged({**row, "score": 2}) == ([("q", "d", 2), ("q", "e", 2)], False)
    assert judged({**row, "score": [2, 0]}) == ([("q", "d", 2), ("q", "e", 0)], False)
    assert "t, row 1 has 2 documents and 1 grades" in said(lambda: judged({**row, "score": [2]}))
    assert judged({"id": 7, "gold_ids": ["N/A"]}) == ([], True)
    assert "invalid identifier None" in said(lambda: judged({"query-id": "q", "corpus-id": None}))
    assert judged() == ([], False)


def test_a_list_of_excluded_documents_belongs_to_its_query() -> None:
    """Lists, N/A and null; the column may have another name, and is no field of the query."""
    cells = [
        {"id": 1, "query": "a", "excluded_ids": ["d1", "d2"]},
        {"id": 2, "query": "b", "excluded_ids": ["N/A"]},
        {"id": 3, "query": "c", "excluded_ids": None},
        {"id": 4, "query": "d"},
    ]
    queries, excluded = queries_with_exclusions(rows(*cells), QueryColumns())
    assert excluded == {"1": frozenset({"d1", "d2"})}
    assert [(query.query_id, dict(query.fields)) for query in queries] == [
        ("1", {}), ("2", {}), ("3", {}), ("4", {}),
    ]  # fmt: skip
    named = rows({"id": 1, "query": "a", "negative_ids": ["d3"]})
    assert queries_with_exclusions(named, QueryColumns(excluded="negative_ids"))[1] == {"1": {"d3"}}
    broken = rows({"id": 1, "query": "a", "excluded_ids": ["d 3"]})
    assert "t, row 1: invalid identifier 'd 3'" in said(
        lambda: queries_with_exclusions(broken, QueryColumns())
    )
