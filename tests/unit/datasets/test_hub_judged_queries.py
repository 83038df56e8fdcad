"""Queries that list their judgments: rows of MAIR, and rows that are none."""

from __future__ import annotations

from typing import Any

import pytest
from datasets import Dataset as HubDataset
from support.messages import said

from evalkit.datasets.columns import DocumentColumns, JudgmentColumns, QueryColumns
from evalkit.datasets.hub_judged_queries import read_judged_queries
from evalkit.datasets.hub_tables import Table

COLUMNS = QueryColumns(), DocumentColumns(), JudgmentColumns()
ROW = {"qid": "q", "instruction": "Only manuals.", "query": "battery", "labels": [{"id": "d", "score": 2}]}


def table(*rows: dict[str, Any]) -> Table:
    """Return a table of the hub."""
    return Table("hub:x", HubDataset.from_list(list(rows)))


def test_a_row_has_a_query_its_instruction_and_its_judgments() -> None:
    """The documents are those of the other table."""
    parts = read_judged_queries(table(ROW), table({"id": "d", "doc": "a manual"}), COLUMNS)
    (query,) = parts.queries
    assert (query.query_id, query.text, query.instruction, dict(query.fields)) == (
        "q", "battery", "Only manuals.", {},
    )  # fmt: skip
    assert parts.qrels.grades == {"q": {"d": 2}}
    assert [(one.doc_id, one.text) for one in parts.documents] == [("d", "a manual")]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"labels": "d"}, "row 1: the judgments are no list (found 'd')"),
        ({"labels": ["d"]}, "row 1, judgment 1 is no object with an id and a score"),
        ({"labels": [{"id": "d", "score": "0,5"}]}, "row 1, judgment 1 has the grade '0,5'"),
        ({"labels": [{"id": "d"}]}, "row 1, judgment 1 has no column for the grade"),
    ],
)
def test_what_is_no_judgment_is_named_with_its_place(row: dict[str, Any], problem: str) -> None:
    """The row, and the judgment in it."""
    listed = table({"id": "d", "doc": "a manual"})
    assert problem in said(lambda: read_judged_queries(table({**ROW, **row}), listed, COLUMNS))
