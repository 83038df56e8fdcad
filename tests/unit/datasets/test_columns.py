"""Rows with named columns: judgments with and without grades, lists of ids, exclusions, instructions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from support.command import evalkit
from support.messages import said

from evalkit.datasets import (
    dataset_from_frames,
    dataset_from_pairs,
    import_dataset,
    named_datasets,
    open_dataset,
)
from evalkit.datasets.columns import (
    JudgmentColumns,
    QueryColumns,
    queries,
    queries_with_exclusions,
    read_judgment_rows,
)
from evalkit.errors import ConfigError, DataFormatError
from evalkit.formats import Rows
from evalkit.records import Query
from evalkit.results.query_rows import read_queries

CORPUS = pd.DataFrame({"id": ["a", "b"], "text": ["a manual", "a review"]})
QRELS = pd.DataFrame({"query_id": ["1-og", "1-changed"], "doc_id": ["a", "a"], "grade": [1, 1]})
QUERIES = pd.DataFrame(
    {
        "id": ["1-og", "1-changed"],
        "text": ["battery", "battery"],
        "instruction": ["All.", "Only manuals."],
        "kind": ["x", "y"],
    }
)


def read(row: dict[str, Any], **columns: str) -> Query:
    """Return the query of a row."""
    (query,) = queries([("file:1", row)], QueryColumns(**columns))
    return query


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        ({"instruction": "Only manuals."}, {}),
        ({"metadata": {"instruction": "Only manuals.", "kind": "x"}}, {}),
        ({"narrative": "Only manuals."}, {"instruction": "narrative"}),
        ({"metadata": {"narrative": "Only manuals.", "kind": "x"}}, {"instruction": "narrative"}),
    ],
)
def test_an_instruction_is_no_field(row: dict[str, Any], columns: dict[str, str]) -> None:
    """It is read from a column or from the metadata, and is not among the fields that group queries."""
    query = read({"_id": "1", "text": "battery", **row}, **columns)
    assert query.instruction == "Only manuals."
    assert set(query.fields) == set(row.get("metadata", {})) - {"instruction", "narrative"}


@pytest.mark.parametrize("empty", [None, "", "  \n", float("nan")])
def test_an_empty_instruction_is_none(empty: Any) -> None:
    """A query without an instruction is the same as one of a file without the column."""
    assert read({"_id": "1", "text": "t", "instruction": empty}) == read({"_id": "1", "text": "t"})


@pytest.mark.parametrize(
    ("row", "columns", "message"),
    [({"instruction": 3}, {}, "instruction is not text"), ({}, {"instruction": "rule"}, "no column 'rule'")],
)
def test_what_is_no_instruction(row: dict[str, Any], columns: dict[str, str], message: str) -> None:
    """A number, and a configured column that is missing, are refused with their place."""
    with pytest.raises(DataFormatError, match=message) as raised:
        read({"_id": "1", "text": "t", **row}, **columns)
    assert "file:1" in str(raised.value)


def test_a_frame_an_import_and_a_result_keep_it(tmp_path: Path) -> None:
    """A dataset with instructions is the same after it is written as a folder and read from there."""
    from evalkit.datasets.saved_folders import save_dataset
    from evalkit.results.folder import ResultFolder

    built = dataset_from_frames(CORPUS, QUERIES, QRELS)
    saved = save_dataset(built, tmp_path / "saved")
    assert saved.queries == built.queries
    assert [query.instruction for query in saved.queries] == ["All.", "Only manuals."]
    assert saved.origin.content_hash == built.origin.content_hash
    again = import_dataset(named_datasets(str(tmp_path / "saved"))[0], tmp_path / "imported")
    assert again.queries == built.queries
    assert again.origin.counts["queries_with_instruction"] == 2
    result = ResultFolder(tmp_path)
    result.write_queries("d", built.queries)
    assert tuple(read_queries(result.queries_file("d")).values()) == built.queries


def test_without_instructions_nothing_changes(tmp_path: Path) -> None:
    """Neither the files nor the counts nor the hash have anything of it."""
    from evalkit.datasets.saved_folders import save_dataset

    plain = QUERIES.drop(columns="instruction").assign(id=["1-og", "1-changed"])
    built = save_dataset(dataset_from_frames(CORPUS, plain, QRELS), tmp_path / "saved")
    rows = [orjson.loads(line) for line in (tmp_path / "saved" / "queries.jsonl").read_bytes().splitlines()]
    assert all(set(row) == {"_id", "text", "metadata"} for row in rows)
    assert "queries_with_instruction" not in built.origin.counts
    with_them = dataset_from_frames(CORPUS, QUERIES, QRELS)
    assert with_them.origin.content_hash != built.origin.content_hash


def test_pairs_with_two_instructions_are_two_queries() -> None:
    """The same text under two instructions has two ids; one id with two instructions is refused."""
    frame = pd.DataFrame(
        {
            "query": ["battery", "battery"],
            "instruction": ["All.", "Only manuals."],
            "document": ["a manual", "a manual"],
            "grade": [1, 1],
        }
    )
    dataset = dataset_from_pairs(frame)
    assert len(dataset.queries) == 2
    assert {query.text for query in dataset.queries} == {"battery"}
    with pytest.raises(DataFormatError, match="two different instructions"):
        dataset_from_pairs(frame.assign(query_id="1"))


def test_a_table_names_its_column(tmp_path: Path) -> None:
    """`instruction:` of a table of queries is a column of any name, and `dataset info` counts the queries."""
    CORPUS.to_csv(tmp_path / "c.csv", index=False)
    QUERIES.rename(columns={"instruction": "rule"}).to_csv(tmp_path / "q.csv", index=False)
    QRELS.to_csv(tmp_path / "r.csv", index=False)
    block = {
        "source": "tables",
        "corpus": {"path": str(tmp_path / "c.csv")},
        "queries": {"path": str(tmp_path / "q.csv"), "instruction": "rule"},
        "qrels": {"path": str(tmp_path / "r.csv")},
    }
    spec = orjson.dumps(block).decode()
    dataset = open_dataset(named_datasets(spec)[0])
    assert [query.instruction for query in dataset.queries] == ["All.", "Only manuals."]
    shown = evalkit("dataset", "info", spec, "--json")
    assert orjson.loads(shown.stdout)[0]["queries_with_instruction"] == 2
    assert "queries with an instruction  2" in evalkit("dataset", "info", spec).stdout


def rows(*cells: dict[str, Any]) -> Rows:
    """Return rows with their positions."""
    return iter([(f"t, row {number}", row) for number, row in enumerate(cells, start=1)])


def judged(*cells: dict[str, Any], **columns: Any) -> tuple[list[tuple[str, str, int]], bool]:
    """Return the judgments of rows, and whether they have no grades."""
    found, ungraded = read_judgment_rows(rows(*cells), JudgmentColumns(**columns))
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
    assert "the identifier is missing" in said(lambda: judged({"query-id": "q", "corpus-id": None}))
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
