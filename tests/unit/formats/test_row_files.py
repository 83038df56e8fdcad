"""Rows of tables: CSV, TSV, JSON Lines and Parquet."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from support.messages import said

from evalkit.formats import read_rows


def test_tables_are_read_alike(tmp_path: Path) -> None:
    """CSV with commas or semicolons, TSV, JSON Lines and Parquet give the same rows by column."""
    rows = [{"id": "1", "text": 'say "hi", now'}, {"id": "2", "text": "über; all"}]
    (tmp_path / "a.csv").write_text(
        'id,text\r\n1,"say ""hi"", now"\r\n\r\n2,über; all\r\n', encoding="utf-8-sig"
    )
    (tmp_path / "b.csv").write_text('id;text\n1;"say ""hi"", now"\n2;"über; all"\n', encoding="utf-8")
    (tmp_path / "a.tsv").write_text('id\ttext\n1\tsay "hi", now\n2\tüber; all\n', encoding="utf-8")
    (tmp_path / "a.jsonl").write_text(
        '{"id": "1", "text": "say \\"hi\\", now"}\n{"id": "2", "text": "über; all"}\n', encoding="utf-8"
    )
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for name in ("a.csv", "b.csv", "a.tsv", "a.jsonl", "a.parquet"):
        assert [row for _, row in read_rows(tmp_path / name)] == rows, name


@pytest.mark.parametrize(
    "text",
    ["id\ttext\n1\ta, b; c\n", "id|text\n1|a, b; c\n", "sep=;\nid;text\n1;a, b; c\n".replace("b; c", '"b; c"'),
     'id;"text"\n1;"a, b; c"\n\n;\n'],
)  # fmt: skip
def test_the_separator_of_a_csv_file_is_that_of_its_header(tmp_path: Path, text: str) -> None:
    """A tab, a bar or a semicolon, also as Excel states it; rows without a value are skipped."""
    text = text.replace('a, "b; c"', '"a, b; c"')
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert [row for _, row in read_rows(tmp_path / "a.csv")] == [{"id": "1", "text": "a, b; c"}]


def test_a_line_above_the_header_is_named(tmp_path: Path) -> None:
    """And so are line ends of old spreadsheets, which Python's csv module refuses."""
    (tmp_path / "a.csv").write_text("Export of 2024\nid,text\n1,a\n", encoding="utf-8")
    assert "remove the lines above the names of the columns" in said(
        lambda: list(read_rows(tmp_path / "a.csv"))
    )
    (tmp_path / "b.csv").write_bytes(b"id,text\r1,a\r")
    assert "b.csv:1 contains a carriage return" in said(lambda: list(read_rows(tmp_path / "b.csv")))


def test_a_csv_cell_may_hold_lines(tmp_path: Path) -> None:
    """Line ends and blank lines inside quotes belong to the text; places are lines of the file."""
    file = tmp_path / "a.csv"
    file.write_text('id,text\n1,"a\n\nb"\n2,c\n', encoding="utf-8")
    assert list(read_rows(file)) == [
        (f"{file}:4", {"id": "1", "text": "a\n\nb"}),
        (f"{file}:5", {"id": "2", "text": "c"}),
    ]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.csv", "id,text\n1,a,b\n", "a.csv:2 has 3 cells, but the header has 2 columns"),
        ("a.csv", 'id,text\n1,"a\n', "a.csv:2 is not CSV"),
        ("a.csv", "id,id\n1,2\n", "has two columns with the same name"),
        ("a.parquet", "no parquet", "cannot read"),
        ("a.xlsx", "", "is not an Excel workbook, although its name ends in .xlsx"),
        ("a.jsonl", "[1]\n", "a.jsonl:1 is not a JSON object"),
    ],
)
def test_bad_tables_are_reported(tmp_path: Path, name: str, text: str, problem: str) -> None:
    """What is wrong with a table is named with its place."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    assert problem in said(lambda: list(read_rows(file)))
