"""The first line of a file of judgments says how the others are read."""

from __future__ import annotations

import pytest
from support.messages import said

from evalkit.formats.qrels_layouts import QrelsLayout, qrels_layout


@pytest.mark.parametrize(
    ("line", "layout"),
    [
        ("q1 0 d1 1", QrelsLayout(4)),
        ("q1\t0\td1\t1", QrelsLayout(4)),
        ("q1\t\td1\t1", QrelsLayout(4)),
        ("q1 d1 1", QrelsLayout(3)),
        ("q1\td1\t1\t", QrelsLayout(3, table=True)),
        ("#q1\td1\t1", QrelsLayout(3, table=True)),
        ("q1\td 1\t1", QrelsLayout(3, table=True)),
        ("q1\t0 d1\t1", QrelsLayout(4)),
        ("query-id\tcorpus-id\tscore", QrelsLayout(3, header=True, table=True)),
        ("query id\tcorpus id\tscore", QrelsLayout(3, header=True, table=True)),
        ("Query-ID\tCorpus-ID", QrelsLayout(2, header=True, table=True)),
        ("qid 0 docid rel", QrelsLayout(4, header=True)),
        ("topic_id\tsubtopic\tdocno\trelevance", QrelsLayout(4, True, True, True)),
        ("# version 2", None),
        ("  #qid\tdocid\trel", None),
        ("#q1\t0\td1\t1", None),
    ],
)
def test_a_layout_is_known_from_the_first_line(line: str, layout: QrelsLayout | None) -> None:
    """Its columns, whether it names them, and whether only tabs separate them."""
    assert qrels_layout(line, "f:1") == layout


@pytest.mark.parametrize(
    "line", ["topic 0 d1 1", "query doc 1", "topic 0 doc 1_0", "qid 0 doc nan", "query doc \u0661"]
)
def test_a_line_with_a_number_is_no_header(line: str) -> None:
    """Whatever its first words are: it is a judgment, or refused as one."""
    layout = qrels_layout(line, "f:1")
    assert layout is not None
    assert not layout.header


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("q1 d1", "f:1 has 2 columns"),
        ("q1", "f:1 has 1 column"),
        ("q1 0 d1 1 x", "f:1 has 5 columns"),
        ("query-id\tscore\tcorpus-id", "f:1 names the columns query-id, score, corpus-id"),
        ("qid\tdocid\trel\titeration", "f:1 names the columns qid, docid, rel, iteration"),
        ("docid qid", "f:1 names the columns docid, qid"),
    ],
)
def test_a_line_of_no_layout_is_refused(line: str, problem: str) -> None:
    """Two columns without names could be anything, such as documents to exclude; another order would be misread."""
    assert problem in said(lambda: qrels_layout(line, "f:1"))
