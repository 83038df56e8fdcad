"""The instruction of a query: where it is read from, and where it is written to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from support.command import evalkit

from evalkit.datasets import (
    dataset_from_frames,
    dataset_from_pairs,
    import_dataset,
    named_datasets,
    open_dataset,
)
from evalkit.datasets.columns import QueryColumns, queries
from evalkit.errors import DataFormatError
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
