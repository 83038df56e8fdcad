"""Tables are taken with equivalent types, and refused by column and row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from evalkit.errors import InputError
from evalkit.results.parquet import distinct_rows, read_columns, read_table
from evalkit.results.table_columns import Column, optional

COLUMNS = {
    "name": Column("string"),
    "score": Column("float64"),
    "rank": optional("int32", least=1),
    "tokens": optional("int64", least=0, most=100, reported=True),
    "status": Column("string", words=frozenset({"ok", "failed"})),
    "sorted": optional("bool_"),
}
GOOD: dict[str, Any] = {
    "name": ["a", "b"], "score": [0.5, -1.0], "rank": [1, None], "tokens": [5, None], "status": ["ok", "failed"],
    "sorted": [True, None],
}  # fmt: skip


def written(path: Path, changes: Mapping[str, Any]) -> Path:
    """Write a table in which some columns are others; None leaves one out."""
    columns = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    parquet.write_table(pa.table(columns), path / "t.parquet")
    return path / "t.parquet"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "name": pa.array(["a", "b"]).dictionary_encode(),
            "status": pa.array(["ok", "failed"], pa.large_string()),
        },
        {"rank": pa.array([1.0, None]), "score": pa.array([0.5, -1.0], pa.float32())},
        {"rank": pa.array([1, None], pa.int64()), "more": ["x", "y"]},
    ],
)
def test_equivalent_types_are_the_same_table(tmp_path: Path, changes: Mapping[str, Any]) -> None:
    """Dictionaries, large strings, other widths, and integers with nulls as pandas writes them; others are ignored."""
    frame = read_table(written(tmp_path, changes), COLUMNS)
    assert list(frame.columns) == list(COLUMNS)
    assert frame["name"].tolist() == ["a", "b"]
    assert frame["score"].tolist() == [0.5, -1.0]
    assert frame["rank"].tolist()[0] == 1
    assert np.isnan(frame["rank"].tolist()[1])


def test_what_earlier_versions_did_not_write_is_null(tmp_path: Path) -> None:
    """Only columns whose values may be missing."""
    frame = read_table(written(tmp_path, {"rank": None, "sorted": None}), COLUMNS)
    assert frame["rank"].isna().all()
    assert frame["sorted"].isna().all()


def test_an_amount_that_is_none_is_unknown(tmp_path: Path) -> None:
    """Servers reported it: an older result is not refused for that."""
    assert read_table(written(tmp_path, {"tokens": [-1, 1000]}), COLUMNS)["tokens"].isna().all()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": None}, "column 'name' is missing"),
        ({"name": [1, 2]}, "column 'name' has the type int64, not string"),
        ({"score": ["x", "y"]}, "column 'score' has the type string, not float64"),
        ({"score": [[1], [2]]}, "column 'score' has the type list"),
        ({"sorted": ["yes", "no"]}, "column 'sorted' has the type string, not bool"),
        ({"name": ["a", None]}, "column 'name', row 2: the value is missing"),
        ({"score": [0.0, float("inf")]}, "column 'score', row 2: inf is not finite"),
        ({"score": [float("nan"), 0.0]}, "column 'score', row 1: nan is not finite"),
        ({"rank": [1, 0]}, "column 'rank', row 2: 0 is less than 1"),
        ({"rank": [1.5, 2.0]}, "column 'rank'"),
        ({"rank": [2**40, 1]}, "column 'rank'"),
        ({"status": ["ok", "x"]}, "column 'status', row 2: 'x' is none of"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, changes: Mapping[str, Any], said: str) -> None:
    """The message has the file, the column, and the row from 1."""
    path = written(tmp_path, changes)
    for read in (read_table, lambda file, columns: read_columns(file, columns, {"name": "a"}), distinct_rows):
        if "row 2" in said and read not in {read_table, distinct_rows}:
            continue
        with pytest.raises(InputError, match="is damaged") as caught:
            read(path, COLUMNS)
        assert said in str(caught.value)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(50) + b"PAR1"])
def test_a_damaged_table_is_named(tmp_path: Path, content: bytes) -> None:
    """Whatever Arrow raises for it."""
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is damaged"):
        read_table(path, COLUMNS)


def test_distinct_rows_are_those_of_the_columns(tmp_path: Path) -> None:
    """Each once, nulls included."""
    path = written(tmp_path, {"name": ["a", "a"], "rank": [None, None]})
    assert distinct_rows(path, {name: COLUMNS[name] for name in ("name", "rank")}) == [("a", None)]
