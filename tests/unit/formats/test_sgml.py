"""Documents and topics in TREC's markup."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.messages import said

from evalkit.formats import read_sgml_documents, read_topics


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
        ("<DOC>\n<DOCNO>1</DOCNO>\n", "a.sgml:1: tag not closed"),
        ("<DOC>\n<DOCNO>1</DOCNO>\n<DOC>\n", "a.sgml:1: tag not closed before line 3"),
        ("<DOC>\nx\n</DOC>\n", "a.sgml:1: document without <DOCNO>"),
        ("nothing\n", "contains no <doc>"),
    ],
)
def test_bad_markup_is_reported(tmp_path: Path, text: str, problem: str) -> None:
    """A document that has no end or no number is named with the line it begins at."""
    file = tmp_path / "a.sgml"
    file.write_text(text, encoding="utf-8")
    assert problem in said(lambda: list(read_sgml_documents(file)))
