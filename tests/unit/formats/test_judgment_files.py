"""Judgments of any tool, recognised by suffix and content."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from support.messages import said

from evalkit.formats import judgment_lines, read_judgments, read_named_judgments, read_qrels
from evalkit.records import Judgment, Rater

EXPECTED = {"q1": {"d1": 2, "d2": 0}}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.txt", "q1 0 d1 2\nq1 0 d2 0\n"),
        ("x.csv", "q1 0 d1 2\nq1 0 d2 0\n"),
        ("x.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n"),
        ("x.tsv", "q1\td1\t2\nq1\td2\t0\n"),
        ("x.qrels", "q1 Q0 d1 2\nq1 Q0 d2 0.0\n"),
        ("x.csv", "query_id,doc_id,grade\nq1,d1,2\nq1,d2,0\n"),
        ("x.txt", "query,docid,rating\nq1,d1,2\nq1,d2,0\n"),
        ("x.tsv", "query\tdocid\trating\nq1\td1\t2\nq1\td2\t0\n"),
        ("x.tsv", "grade\tqid\tdocid\n2\tq1\td1\n0\tq1\td2\n"),
        (
            "x.jsonl",
            '{"query_id": "q1", "doc_id": "d1", "grade": 2}\n{"query_id": "q1", "doc_id": "d2", "grade": 0}',
        ),
        (
            "x.json",
            '[{"query_id": "q1", "doc_id": "d1", "grade": 2},\n{"query_id": "q1", "doc_id": "d2", "grade": 0}]',
        ),
        ("x.txt", "2 qid:q1 1:0.5 # docid = d1\n0 qid:q1 1:0.5 # docid = d2\n"),
        (
            "x.json",
            '{"requests": [{"id": "q1", "ratings": [{"_id": "d1", "rating": 2}, {"_id": "d2", "rating": 0}]}]}',
        ),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_all_forms_say_the_same(tmp_path: Path, name: str, text: str, *, packed: bool) -> None:
    """Plain or packed."""
    file = tmp_path / (f"{name}.gz" if packed else name)
    file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert read_judgments(file).qrels.grades == EXPECTED


def test_parquet_says_the_same(tmp_path: Path) -> None:
    """With whole numbers as grades."""
    rows = [{"query_id": "q1", "doc_id": d, "grade": g} for d, g in EXPECTED["q1"].items()]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "x.parquet")
    assert read_judgments(tmp_path / "x.parquet").qrels.grades == EXPECTED


def test_judgments_of_trec_are_read_as_before(tmp_path: Path) -> None:
    """Ids with commas, semicolons and quotes included."""
    file = tmp_path / "x.qrels"
    file.write_text('a,b 0 d;1 1\na,b 0 "d2" 2\n', encoding="utf-8")
    assert read_judgments(file).qrels.grades == read_qrels(file).grades == {"a,b": {"d;1": 1, '"d2"': 2}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "contains no judgments"), ("q1 d1\n", "has 2 columns"), ("{", "x.txt:1 is not JSON")],
)
def test_what_is_not_recognised_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """As qrels, or as what it begins like."""
    file = tmp_path / "x.txt"
    file.write_text(text, encoding="utf-8")
    assert problem in said(lambda: read_judgments(file))


def test_grades_of_any_form_can_be_mapped(tmp_path: Path) -> None:
    """Those of TREC's lines, too."""
    file = tmp_path / "x.qrels"
    file.write_text("q1 0 d1 4\nq1 0 d2 1\n", encoding="utf-8")
    judged = read_named_judgments(file, grade_of=lambda value, _: {"4": 2, "1": 0}[str(value)])
    assert judged.qrels.grades == EXPECTED


def test_an_empty_or_endless_first_line_is_no_crash(tmp_path: Path) -> None:
    """Under every name of a table, and for other readers."""
    for name in ("x.csv", "x.tsv", "x.txt", "x.json"):
        for text in ("", "\n\n", "," * 300_000, "\t" * 300_000, "a " * 300_000):
            (tmp_path / name).write_text(text, encoding="utf-8")
            for read in (read_judgments, read_named_judgments):
                assert said(lambda read=read, name=name: read(tmp_path / name)).startswith("error: ")


@pytest.mark.parametrize("name", ["x.txt", "x.csv", "x.tsv", "x.qrels"])
@pytest.mark.parametrize("text", ["q1 0 d1 4\nq1 0 d2 1\n", "q,d,rel\nq1,d1,4\n", "q1\td1\t4\nq1\td2\t1\n"])
def test_lines_that_end_with_a_carriage_return_alone_are_refused(
    tmp_path: Path, name: str, text: str
) -> None:
    """In one line that names the place, whatever the file is called."""
    file = tmp_path / name
    file.write_text(text.replace("\n", "\r"), encoding="utf-8", newline="")
    for read in (read_judgments, read_named_judgments):
        assert f"{file}:1 " in said(lambda read=read: read(file))


def test_a_sheet_is_one_of_a_workbook(tmp_path: Path) -> None:
    """It is not ignored elsewhere."""
    file = tmp_path / "x.qrels"
    file.write_text("q1 0 d1 4\n", encoding="utf-8")
    assert "has no sheets" in said(lambda: read_named_judgments(file, sheet="a"))


def test_judgments_by_raters_are_recognised_by_their_content(tmp_path: Path) -> None:
    """Whatever the suffix is, packed or not; a table with a column of raters is a table."""
    rater = Rater("human", "anna")
    lines = judgment_lines(
        Judgment(q, d, grade, rater, "2026-01-01T00:00:00Z")
        for q, docs in EXPECTED.items()
        for d, grade in docs.items()
    )
    for name in ("x.jsonl", "x.txt", "x.qrels"):
        (tmp_path / name).write_bytes(lines)
        assert read_judgments(tmp_path / name).qrels.grades == EXPECTED
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(lines))
    assert read_judgments(tmp_path / "x.jsonl.gz").qrels.grades == EXPECTED
    mapped = read_named_judgments(
        tmp_path / "x.txt", grade_of=lambda value, _: {"2": 1.5, "0": 0}[str(value)]
    )
    assert mapped.qrels.grades == {"q1": {"d1": 1.5, "d2": 0}}
    table = '{"query_id": "q1", "doc_id": "d1", "grade": 2, "rater": "anna"}\n'
    (tmp_path / "table.jsonl").write_text(table, encoding="utf-8")
    assert read_judgments(tmp_path / "table.jsonl").qrels.grades == {"q1": {"d1": 2}}


def test_a_wrong_line_of_a_rater_is_named(tmp_path: Path) -> None:
    """With its number; the first line decides on the format."""
    good = judgment_lines([Judgment("q1", "d1", 1.75, Rater("human", "anna"), "2026-01-01T00:00:00Z")])
    file = tmp_path / "x.jsonl"
    for wrong, problem in (
        (good.replace(b"1.75", b"NaN"), "x.jsonl:2"),
        (good.replace(b"1.75", b'"high"'), "x.jsonl:2: 'grade' must be a number"),
        (good.replace(b"1.75", b"1e999"), "x.jsonl:2"),
        (good.replace(b"1.75", b"1000.5"), "x.jsonl:2 has the grade 1000.5; grades are at most 1000"),
    ):
        file.write_bytes(good + wrong)
        assert problem in said(lambda: read_judgments(file))
