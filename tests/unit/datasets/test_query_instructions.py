"""Instructions from a table of their own."""

from __future__ import annotations

from support.messages import said

from evalkit.datasets.query_instructions import with_instructions
from evalkit.records import Query

QUERIES = (Query("q1", "cat"), Query("q2", "dog", instruction="of the query"), Query("q3", "fish"))


def test_a_query_gets_the_instruction_of_its_id() -> None:
    """A query that the table lacks keeps its own; ids that no query has are ignored."""
    rows = [
        ("t, row 1", {"query-id": "q1", "instruction": "only old ones"}),
        ("t, row 2", {"query-id": "q9", "instruction": "x"}),
    ]
    found = with_instructions(QUERIES, iter(rows))
    assert [query.instruction for query in found] == ["only old ones", "of the query", ""]
    assert [query.text for query in found] == ["cat", "dog", "fish"]


def test_two_instructions_for_a_query_are_refused() -> None:
    """Equal ones are one."""
    row = {"query-id": "q1", "instruction": "a"}
    assert with_instructions(QUERIES, iter([("r1", row), ("r2", row)]))[0].instruction == "a"
    other = [("r1", row), ("r2", {**row, "instruction": "b"})]
    assert "r2: query 'q1' has two different instructions" in said(
        lambda: with_instructions(QUERIES, iter(other))
    )


def test_instructions_of_other_queries_are_refused() -> None:
    """If no query has any of them, the ids differ; the text may be in a column of that name."""
    rows = [("t, row 1", {"_id": "x1", "text": "only old ones"})]
    assert "no query has one of the 1 instructions" in said(lambda: with_instructions(QUERIES, iter(rows)))
