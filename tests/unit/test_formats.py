"""Files of the field: what is read, and what is said of files that cannot be."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from evalkit.errors import EvalkitError
from evalkit.formats import open_lines, read_qrels, read_rows, read_sgml_documents, read_topics

QRELS = {"q1": {"d1": 2, "d2": 0}, "q2": {"d1": 1}}


def said(ask: Callable[[], object]) -> str:
    """Return what a reader says of a bad file."""
    with pytest.raises(EvalkitError) as caught:
        ask()
    return caught.value.render()


@pytest.mark.parametrize(
    "text",
    [
        "q1 0 d1 2\nq1 0 d2 0\nq2 0 d1 1\n",
        "q1\t0\td1\t2\r\nq1\t0\td2\t0\r\nq2\t0\td1\t1\r\n",
        "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td1\t1\n",
        "qid 0 docid rel\nq1 0 d1 2\nq1 0 d2 0\nq2 0 d1 1\n",
        "q1 d1 2\nq1 d2 0\nq2 d1 1\n",
        "q1 d1 2.0\n\nq1 d2 0.0\nq2 d1 1.0\n",
    ],
)
def test_qrels_are_read_in_every_layout(tmp_path: Path, text: str) -> None:
    """Three or four columns, with a header or without, tabs or spaces: the same judgments."""
    file = tmp_path / "qrels"
    file.write_text(text, encoding="utf-8")
    assert read_qrels(file).grades == QRELS


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("q1 0 d1 2\nq1 d2 0\n", "qrels:2 has 3 columns"),
        ("q1 0 d1 high\n", "qrels:1 has the grade 'high'"),
        ("q1 0 d1 1.5\n", "qrels:1 has the grade '1.5'"),
        ("query-id\tcorpus-id\tscore\nq1\t\t1\n", "qrels:2 has an id with white space, or none"),
        ("q1 0 d1 2\nq1 0 d1 1\n", "is judged 2 and 1"),
        ("query-id\tcorpus-id\tscore\n", "holds no judgments"),
    ],
)
def test_bad_qrels_are_told_with_file_and_line(tmp_path: Path, text: str, problem: str) -> None:
    """What is wrong is named with its line; no row is dropped or guessed at."""
    file = tmp_path / "qrels"
    file.write_text(text, encoding="utf-8")
    assert problem in said(lambda: read_qrels(file))


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    """Packed in gzip or zstd, in parts one after the other, or lying in a zip, a file holds its lines."""
    lines = [(1, "one"), (3, "drei ä")]
    data = "\ufeffone\r\n \ndrei ä\n".encode()
    (tmp_path / "plain").write_bytes(data)
    (tmp_path / "a.gz").write_bytes(gzip.compress(data[:5]) + gzip.compress(data[5:]))
    zstd = [pa.compress(part, codec="zstd", asbytes=True) for part in (data[:5], data[5:])]
    (tmp_path / "a.zst").write_bytes(b"".join(zstd))
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as packed:
        packed.writestr("in/a", data)
        packed.writestr("in/a.gz", gzip.compress(data))
    inside = zipfile.Path(tmp_path / "z.zip") / "in"
    for file in (tmp_path / "plain", tmp_path / "a.gz", tmp_path / "a.zst", inside / "a", inside / "a.gz"):
        assert list(open_lines(file)) == lines


def test_damaged_files_are_told(tmp_path: Path) -> None:
    """A file that is cut off, is not what its ending says, is missing or in another encoding is one clear line."""
    zstd = pa.compress(b"x" * 1000, codec="zstd", asbytes=True)
    for name, data, problem in (
        ("cut.gz", gzip.compress(b"x" * 1000)[:-9], "cannot read"),
        ("odd.gz", b"no gzip", "cannot read"),
        ("bad.gz", gzip.compress(bytes(range(256)) * 9)[:40] + b"\xff" * 40, "cannot read"),
        ("cut.zst", zstd[:-4], "cannot read"),
        ("odd.zst", b"no zstd at all", "cannot read"),
        ("latin", "a\nä".encode("latin-1"), "latin:2 is not UTF-8"),
    ):
        (tmp_path / name).write_bytes(data)
        assert problem in said(lambda name=name: list(open_lines(tmp_path / name)))  # type: ignore[misc]
    assert "file not found" in said(lambda: list(open_lines(tmp_path / "none")))


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
        ("a.csv", "id,text\n1,a,b\n", "a.csv:2 has 3 cells, but the header names 2 columns"),
        ("a.csv", 'id,text\n1,"a\n', "a.csv:2 is not CSV"),
        ("a.csv", "id,id\n1,2\n", "names a column twice"),
        ("a.parquet", "no parquet", "cannot read"),
        ("a.xlsx", "", "an ending that names no table"),
        ("a.jsonl", "[1]\n", "a.jsonl:1 is not a JSON object"),
    ],
)
def test_bad_tables_are_told(tmp_path: Path, name: str, text: str, problem: str) -> None:
    """What is wrong with a table is named with its place."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    assert problem in said(lambda: list(read_rows(file)))


def test_trec_documents_are_read(tmp_path: Path) -> None:
    """Number, headline and text of every <DOC>; entities are resolved, tags dropped, texts of one document joined."""
    file = tmp_path / "ft.sgml"
    file.write_text(
        "<DOC>\n<DOCNO> FT-1 </DOCNO>\n<DATE>1991</DATE>\n<HEADLINE>\nA &amp; B\n</HEADLINE>\n"
        "<TEXT>\n<P>one</P>\n</TEXT>\n<TEXT>two &lt; three</TEXT>\n</DOC>\n"
        "noise between documents\n<doc><docno>x2</docno> all of <b>it</b></doc>\n",
        encoding="utf-8",
    )
    assert [row for _, row in read_sgml_documents(file)] == [
        {"docno": "FT-1", "title": "A & B", "text": "one\ntwo < three"},
        {"docno": "x2", "title": "", "text": "all of  it"},
    ]


def test_topics_are_read_with_open_and_closed_tags(tmp_path: Path) -> None:
    """<top> with open tags, as in the early tracks, and <topic> as in the later ones."""
    file = tmp_path / "topics"
    file.write_text(
        "<top>\n<num> Number: 301\n<title> Topic: Organized Crime\n\n<desc> Description:\nIdentify\norganizations.\n\n"
        "<narr> Narrative:\nAll of them.\n\n</top>\n\n"
        '<topic number="7" type="faceted">\n<query>family tree</query>\n'
        "<description>Find it.</description>\n</topic>\n",
        encoding="utf-8",
    )
    assert [row for _, row in read_topics(file)] == [
        {"num": "301", "title": "Organized Crime", "desc": "Identify organizations.", "narr": "All of them."},
        {"num": "7", "title": "family tree", "desc": "Find it.", "narr": ""},
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<DOC>\n<DOCNO>1</DOCNO>\n", "a.sgml:1 begins what has no end"),
        ("<DOC>\n<DOCNO>1</DOCNO>\n<DOC>\n", "a.sgml:1 begins what has no end before line 3"),
        ("<DOC>\nx\n</DOC>\n", "a.sgml:1: a document without a <DOCNO>"),
        ("nothing\n", "holds no <doc>"),
    ],
)
def test_bad_markup_is_told(tmp_path: Path, text: str, problem: str) -> None:
    """A document that has no end or no number is named with the line it begins at."""
    file = tmp_path / "a.sgml"
    file.write_text(text, encoding="utf-8")
    assert problem in said(lambda: list(read_sgml_documents(file)))
