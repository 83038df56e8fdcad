"""Judgments in files with features."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.messages import said

from evalkit.formats import read_judgments, read_named_judgments


def test_documents_are_named_in_comments(tmp_path: Path) -> None:
    """LETOR's form, with features or without; -1 marks what was not judged."""
    file = tmp_path / "train.txt"
    file.write_text(
        "2 qid:10 1:0.03 2:NULL 46:0.0 #docid = GX1 inc = 1 prob = 0.08\n"
        "0 qid:10 1:0.1 # docid=GX2\n\n-1 qid:10 1:0.2 #docid = GX3 inc = 1\n1.0 qid:11 #docid = GX1\n",
        encoding="utf-8",
    )
    assert read_judgments(file).qrels.grades == {"10": {"GX1": 2, "GX2": 0}, "11": {"GX1": 1}}


def test_quepid_and_ranklib_put_the_text_behind_the_document(tmp_path: Path) -> None:
    """The text is that of the query; its id stays the number."""
    file = tmp_path / "case_ltr.txt"
    file.write_text("\n3.0 qid:1 # 1370 star trek\n\n0 qid:1 # 7 star trek\n1 qid:2 # 7\n", encoding="utf-8")
    judged = read_named_judgments(file)
    assert judged.qrels.grades == {"1": {"1370": 3, "7": 0}, "2": {"7": 1}}
    assert judged.texts == {"1": "star trek"}


def test_comments_may_state_the_texts_of_queries(tmp_path: Path) -> None:
    """As in the example of Elasticsearch's plugin: the title follows the document, after a blank or a tab."""
    file = tmp_path / "judgments.txt"
    file.write_text(
        "# grade (0-4)\tqueryid\tdocId\ttitle\n# qid:1: rambo\n4\tqid:1 #\t7555\tRambo\n3\tqid:1 # 1370 Rambo III\n",
        encoding="utf-8",
    )
    judged = read_named_judgments(file)
    assert judged.qrels.grades == {"1": {"7555": 4, "1370": 3}}
    assert judged.texts == {"1": "rambo"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("2 qid:1 1:3 2:0", "x.txt:1 names no document: nothing follows a '#'"),
        ("2 qid:1 1:3 #  ", "x.txt:1 names no document"),
        ("2 qid:1 dense # d1", "x.txt:1 is not a line of LETOR"),
        ("inf qid:1 # d1", "x.txt:1 has the grade 'inf'"),
        ("1_0 qid:1 # d1", "x.txt:1 has the grade '1_0'"),
        ("1 qid:1 # d1 a b\n1 qid:1 # d2 a c", "query '1' has two texts, 'a b' and 'a c'"),
        ("1 qid:1 # d1\n2 qid:1 # d1", "query '1', document 'd1' has two grades"),
        ("-1 qid:1 # d1", "contains no judgments"),
    ],
)
def test_what_is_no_judgment_is_refused(tmp_path: Path, line: str, problem: str) -> None:
    """With file and line."""
    file = tmp_path / "x.txt"
    file.write_text(line + "\n", encoding="utf-8")
    assert problem in said(lambda: read_judgments(file))
