"""Files of judgments: every layout, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.messages import said

from evalkit.formats import read_qrels

QRELS = {"q1": {"d1": 2, "d2": 0}, "q2": {"d1": 1}}


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
        ("query-id\tcorpus-id\tscore\nq1\t\t1\n", "qrels:2 has an empty id or an id with white space"),
        ("q1 0 d1 2\nq1 0 d1 1\n", "has two grades: 2 and 1"),
        ("query-id\tcorpus-id\tscore\n", "contains no judgments"),
    ],
)
def test_bad_qrels_are_reported_with_file_and_line(tmp_path: Path, text: str, problem: str) -> None:
    """What is wrong is named with its line; no row is dropped or guessed at."""
    file = tmp_path / "qrels"
    file.write_text(text, encoding="utf-8")
    assert problem in said(lambda: read_qrels(file))
