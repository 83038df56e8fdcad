"""Read tables of a result folder."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from evalkit.results.parquet import distinct_rows, read_coded_columns, read_columns, to_table, write_tables
from evalkit.results.table_columns import Column

COLUMNS = {"dataset": Column("string"), "tag": Column("string", nullable=True), "score": Column("float64")}
ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "\u00e9", None]), st.floats(-9, 9)))


@given(rows=ROWS, group=st.integers(1, 4), coded=st.booleans(), wanted=st.sampled_from("abz"))
def test_the_rows_with_a_value_are_those_of_the_whole_table(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str | None, float]],
    group: int,
    coded: bool,
    wanted: str,
) -> None:
    """In their order, whatever row groups the file has, and whether it holds texts or numbers of a dictionary."""
    path = tmp_path_factory.mktemp("t") / "t.parquet"
    table = pa.table(
        [
            pa.array([row[place] for row in rows], kind)
            for place, kind in enumerate((pa.string(), pa.string(), pa.float64()))
        ],
        names=[*COLUMNS],
    )
    if coded:
        table = table.set_column(1, "tag", table["tag"].dictionary_encode())
    parquet.write_table(table, path, row_group_size=group)
    found = read_columns(path, COLUMNS, {"dataset": wanted})
    kept = [row for row in rows if row[0] == wanted]
    assert [*zip(*(found[name].tolist() for name in COLUMNS), strict=True)] == kept
    if all(tag is not None for _, tag, _ in kept):
        names, numbers = read_coded_columns(path, COLUMNS, {"dataset": wanted})
        assert [names["tag"][code] for code in numbers["tag"].tolist()] == [tag for _, tag, _ in kept]
        assert numbers.keys() == {"tag", "score"}
        assert numbers["score"].tolist() == [score for _, _, score in kept]
    assert set(distinct_rows(path, {name: COLUMNS[name] for name in ("dataset", "tag")})) == {
        row[:2] for row in rows
    }


def test_equal_texts_are_one_object(tmp_path: Path) -> None:
    """Millions of rows name thousands of documents."""
    parquet.write_table(
        pa.table({"dataset": ["a", "b", "a"], "tag": ["x"] * 3, "score": [1.0] * 3}),
        tmp_path / "t.parquet",
        row_group_size=2,
    )
    found = read_columns(tmp_path / "t.parquet", COLUMNS, {})
    assert found["dataset"][0] is found["dataset"][2]


@pytest.mark.parametrize("sizes", [(0,), (1, 0, 4), (3, 3), (7,)])
def test_tables_are_written_in_groups_of_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...]
) -> None:
    """The file is the one that Arrow writes of all rows at once, whatever tables they come in."""
    monkeypatch.setattr("evalkit.results.parquet._GROUP_ROWS", 3)
    schema = {"dataset": "string", "score": "float64"}
    rows = [[f"{place}-{row}" for row in range(size)] for place, size in enumerate(sizes)]
    tables = [to_table(schema, {"dataset": names, "score": range(len(names))}) for names in rows]
    write_tables(tmp_path / "t.parquet", tables)
    parquet.write_table(
        pa.concat_tables(tables).combine_chunks(), tmp_path / "whole", row_group_size=3, compression="zstd"
    )
    assert (tmp_path / "t.parquet").read_bytes() == (tmp_path / "whole").read_bytes()
