"""Files that are not the text they are taken for: named for what they are, or read."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from support.messages import said

from evalkit.config import load_config, load_gate
from evalkit.formats import read_json_lines, read_lines, read_qrels, read_rows, read_run, read_topics

QRELS = "q1 0 d1 1\nq2 0 dé 2\n"


def zipped(*names: str) -> bytes:
    """Return a zip archive of empty files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    return file.getvalue()


def as_parquet() -> bytes:
    """Return a table as Parquet."""
    file = io.BytesIO()
    parquet.write_table(pa.table({"a": [1]}), file)
    return file.getvalue()


OTHERS = {
    "Excel": (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook (.xlsx)", "export"),
    "Excel with macros": (
        zipped("xl/workbook.xml", "xl/vbaProject.bin"),
        "an Excel workbook with macros (.xlsm)",
        "save it as .xlsx",
    ),
    "binary Excel": (zipped("xl/workbook.bin"), "a binary Excel workbook (.xlsb)", "save it as .xlsx"),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), "an Excel workbook (.xls)", "export"),
    "OpenDocument": (zipped("mimetype", "content.xml"), "an OpenDocument file", "export the sheet as CSV"),
    "Numbers": (zipped("Index/Document.iwa"), "a Numbers spreadsheet", "export the sheet as CSV"),
    "Word": (zipped("[Content_Types].xml", "word/document.xml"), "a Word document", "CSV or JSON Lines"),
    "zip": (zipped("corpus.csv"), "a zip archive", "unpack it"),
    "damaged zip": (zipped("xl/workbook.xml")[:50], "an Excel workbook (.xlsx)", "export"),
    "gzip": (gzip.compress(b"a,b\n1,2\n", mtime=0), "a gzip file", "rename it to end in .gz"),
    "zstd": (pa.compress(b"a,b\n1,2\n", "zstd", asbytes=True), "a zstd file", "rename it to end in .zst"),
    "Parquet": (as_parquet(), "a Parquet file", "rename it to end in .parquet"),
    "bzip2": (b"BZh91AY&SY", "a bzip2 file", "decompress it"),
    "SQLite": (b"SQLite format 3\x00", "an SQLite database", "as CSV"),
    "PDF": (b"%PDF-1.7", "a PDF document", "CSV or JSON Lines"),
    "UTF-16LE without a mark": (
        QRELS.encode("utf-16-le"),
        "UTF-16LE text without a byte order mark",
        "iconv",
    ),
    "UTF-16BE without a mark": (
        QRELS.encode("utf-16-be"),
        "UTF-16BE text without a byte order mark",
        "iconv",
    ),
}
READERS: dict[str, Callable[[Path], object]] = {
    "table": lambda path: list(read_rows(path)),
    "run": read_run,
    "qrels": read_qrels,
    "JSON Lines": lambda path: list(read_json_lines(path)),
    "topics": lambda path: list(read_topics(path, "latin-1")),
    "configuration": load_config,
    "rules": load_gate,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("case", OTHERS)
def test_what_is_no_text_is_named(tmp_path: Path, case: str, reader: str) -> None:
    """Whoever reads it, and whatever it is called: the message says what it is, the hint what to do."""
    content, name, remedy = OTHERS[case]
    file = tmp_path / "x.csv"
    file.write_bytes(content)
    message, _, hint = said(lambda: READERS[reader](file)).partition("\n  hint: ")
    assert message.startswith(f"error: {file} is {name}")
    assert remedy in hint


@pytest.mark.parametrize(
    "suffix", [".xlsx", ".xls", ".ods", ".numbers", ".zip", ".parquet", ".jsonl", ".dat"]
)
def test_a_workbook_is_named_under_any_ending(tmp_path: Path, suffix: str) -> None:
    """Its own, and another one; packed with gzip, too."""
    file = tmp_path / f"x{suffix}"
    file.write_bytes(OTHERS["Excel"][0])
    assert "is an Excel workbook" in said(lambda: list(read_rows(file)))
    packed = tmp_path / "x.csv.gz"
    packed.write_bytes(gzip.compress(OTHERS["old Excel"][0]))
    assert "is an Excel workbook (.xls)" in said(lambda: list(read_rows(packed)))


def test_text_under_the_ending_of_a_workbook_is_not_called_one(tmp_path: Path) -> None:
    """Nor is a file that is missing."""
    file = tmp_path / "x.xls"
    for expected in ("is not a supported table format", "is not a supported table format"):
        assert expected in said(lambda: list(read_rows(file)))
        file.write_text("a,b\n", encoding="utf-8")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("asked", ["utf-8", "latin-1"])
@pytest.mark.parametrize("packed", [False, True])
def test_text_with_a_byte_order_mark_is_read(
    tmp_path: Path, encoding: str, asked: str, *, packed: bool
) -> None:
    """With its line endings; UTF-8 with a mark where UTF-8 is asked for."""
    if encoding == "utf-8-sig" and asked != "utf-8":
        return
    content = "a\r\nb\u2028c\nd\u0a0aé".encode(encoding)
    file = tmp_path / ("x.gz" if packed else "x")
    file.write_bytes(gzip.compress(content) if packed else content)
    assert list(read_lines(file, asked)) == ["a\r\n", "b\u2028c\n", "d\u0a0aé"]


def test_judgments_and_tables_in_utf16_are_read(tmp_path: Path) -> None:
    """As spreadsheets export them."""
    file = tmp_path / "x.csv"
    file.write_bytes(QRELS.encode("utf-16"))
    assert read_qrels(file).of("q2") == {"dé": 2}
    file.write_bytes("a;b\nü;2\n".encode("utf-16"))
    assert [row for _, row in read_rows(file)] == [{"a": "ü", "b": "2"}]


def test_a_configuration_in_utf16_is_read(tmp_path: Path) -> None:
    """As editors of Windows may save it; in Latin-1 the byte is named with its position."""
    text = "name: t\ndatasets: [demo]\nrerankers: {a: {backend: identity}}  # é\n"
    file = tmp_path / "c.yaml"
    file.write_bytes(text.encode("utf-16"))
    assert load_config(file).name == "t"
    file.write_bytes(text.encode("latin-1"))
    assert "c.yaml:3 is not UTF-8 text: byte 0xE9 at column 40\n  hint: convert the file" in said(
        lambda: load_config(file)
    )


def test_damaged_wide_text_is_an_error(tmp_path: Path) -> None:
    """Half a character is missing at its end."""
    file = tmp_path / "x"
    file.write_bytes("abc\n".encode("utf-16")[:-1])
    assert "is invalid UTF-16 text: truncated data" in said(lambda: list(read_lines(file)))
