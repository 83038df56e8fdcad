"""Judgments written for people and for other tools, and read back."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.messages import said

from evalkit.formats import query_id_of, read_named_judgments, read_rows
from evalkit.formats.written_judgments import (
    WrittenJudgment,
    judgments_csv,
    judgments_trec,
    judgments_workbook,
    whole_trec_grade,
)

HOSTILE = (
    "=1+1", "+1-1", "@SUM(A1)", "-2+3", "\uff1d1+1", '=HYPERLINK("http://x","y")', "a\nb", "a\r\nb", "a\rb",
    'say "hi", now',
    "\U0001f600 ok", "a;b\tc", "'quoted", "#N/A", "TRUE", "007", "1e5", "_x000D_ kept", "\u200b=1+1", "x" * 32_000,
    "caf\u00e9 \u4e2d\u6587", "a\x00b", "a\x0bb",
)  # fmt: skip
JUDGMENTS = [
    WrittenJudgment(f"{number}", text, doc_id, text, grade)
    for number, text in enumerate(HOSTILE)
    for doc_id, grade in ((f"d{number}", 2), ("=d", 0), ("-5", -1))
]


def test_quepid_s_csv_reads_back_equal(tmp_path: Path) -> None:
    """By the texts of the queries, whatever is in them."""
    (tmp_path / "x.csv").write_bytes(judgments_csv(JUDGMENTS))
    judged = read_named_judgments(tmp_path / "x.csv")
    expected: dict[str, dict[str, int]] = {}
    for one in JUDGMENTS:
        expected.setdefault(query_id_of(one.query), {})[one.doc_id] = one.grade
    assert judged.qrels.grades == expected
    assert set(judged.texts.values()) == set(HOSTILE)


def test_no_cell_of_quepid_s_csv_begins_like_a_formula() -> None:
    """A blank is before those that would."""
    lines = judgments_csv(JUDGMENTS).decode().split("\r\n")
    assert lines[0] == "query,docid,rating"
    assert lines[1:4] == [" =1+1,d0,2", " =1+1, =d,0", " =1+1,-5,-1"]
    assert not [line for line in lines if line.lstrip('"')[:1] in {"=", "+", "@", "-"}]


def test_a_workbook_reads_back_equal(tmp_path: Path) -> None:
    """With ids and texts; every text is a text."""
    pytest.importorskip("openpyxl")
    (tmp_path / "x.xlsx").write_bytes(judgments_workbook(JUDGMENTS))
    rows = [tuple(row.values()) for _, row in read_rows(tmp_path / "x.xlsx")]
    assert rows == [(o.query_id, o.query, o.doc_id, o.document, str(o.grade)) for o in JUDGMENTS]
    judged = read_named_judgments(tmp_path / "x.xlsx")
    assert judged.qrels.grades["3"] == {"d3": 2, "=d": 0, "-5": -1}
    assert judged.texts == {str(number): text for number, text in enumerate(HOSTILE)}


def test_a_workbook_has_no_formula() -> None:
    """Its cells are text, and stay text when they are edited."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(io.BytesIO(judgments_workbook(JUDGMENTS)))
    cells = [cell for row in book.active.iter_rows(min_row=2, max_col=4) for cell in row]
    assert {(cell.data_type, cell.number_format) for cell in cells} == {("s", "@")}


@pytest.mark.parametrize("write", [judgments_csv, judgments_workbook])
def test_half_a_character_is_refused(write: Callable[[list[WrittenJudgment]], bytes]) -> None:
    """UTF-8 cannot encode it."""
    pytest.importorskip("openpyxl")
    assert "lone surrogate" in said(lambda: write([WrittenJudgment("q", "a\ud800", "d", "", 1)]))


def test_what_a_file_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts that are too long for a cell, too many rows, queries without a text of their own."""
    pytest.importorskip("openpyxl")
    long = [WrittenJudgment("q", "a", "d", "x" * 32_768, 1)]
    assert "has 32768 characters; a cell of Excel has at most 32767" in said(lambda: judgments_workbook(long))
    same = [WrittenJudgment("1", "a b", "d", "", 1), WrittenJudgment("2", "a b ", "d", "", 1)]
    assert "query '2' has no text, or the text of query '1'" in said(lambda: judgments_csv(same))
    assert "query '1' has no text" in said(lambda: judgments_csv([WrittenJudgment("1", " ", "d", "", 1)]))
    monkeypatch.setattr("evalkit.formats.written_judgments.MOST_ROWS", 2)
    assert "more judgments than the 2 rows" in said(lambda: judgments_workbook(same))
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert "pip install 'rerank-evalkit[xlsx]'" in said(lambda: judgments_workbook(same))


def test_a_workbook_has_the_instructions_of_queries(tmp_path: Path) -> None:
    """In a column of its own, which is not there without any; the judgments are the same."""
    pytest.importorskip("openpyxl")
    rows = [
        WrittenJudgment("1-og", "battery", "d", "text", 1),
        WrittenJudgment("1-changed", "battery", "d", "text", 0, "Only manuals."),
    ]
    (tmp_path / "x.xlsx").write_bytes(judgments_workbook(rows))
    read = [row for _, row in read_rows(tmp_path / "x.xlsx")]
    assert [row["instruction"] or "" for row in read] == ["", "Only manuals."]
    assert read_named_judgments(tmp_path / "x.xlsx").qrels.grades == {"1-og": {"d": 1}, "1-changed": {"d": 0}}


@pytest.mark.parametrize(
    ("grade", "whole"),
    [
        (2, 2),
        (1.75, 2),
        (1.5, 2),
        (1.25, 1),
        (0.5, 1),
        (0.49999999999999994, 0),
        (-0.5, 0),
        (-0.75, -1),
        (-2, -2),
    ],
)
def test_trec_qrels_have_the_nearest_whole_grade(grade: float, whole: int) -> None:
    """Of two that are equally near the upper one."""
    assert whole_trec_grade(grade) == whole
    assert type(whole_trec_grade(grade)) is int
    assert judgments_trec([WrittenJudgment("q", "", "d", "", grade)]) == f"q 0 d {whole}\n".encode()


def test_tables_keep_fractional_grades(tmp_path: Path) -> None:
    """With the fewest decimals; whole grades have none."""
    rows = [WrittenJudgment("q", "a query", doc, "", grade) for doc, grade in (("d1", 1.75), ("d2", 2.0))]
    assert judgments_csv(rows).decode().splitlines()[1:] == ["a query,d1,1.75", "a query,d2,2"]
    pytest.importorskip("openpyxl")
    (tmp_path / "x.xlsx").write_bytes(judgments_workbook(rows))
    assert read_named_judgments(tmp_path / "x.xlsx").qrels.grades == {"q": {"d1": 1.75, "d2": 2}}
