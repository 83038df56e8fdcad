"""Judgments in tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.messages import said

from evalkit.formats import JudgmentNames, query_id_of, read_judgments, read_named_judgments

WARS = query_id_of("star wars")
DETAILED = "Team Name,Case Name,Case ID,Query Text,Doc ID,Doc Position,Title,Rating,score\r\n"


def write(folder: Path, text: str, name: str = "x.csv") -> Path:
    """Write a file."""
    file = folder / name
    file.write_text(text, encoding="utf-8", newline="")
    return file


def test_quepid_s_basic_export_is_read(tmp_path: Path) -> None:
    """Queries by text; an empty rating is unjudged; the blank that Quepid puts before formulas is removed."""
    text = 'query,docid,rating\nstar wars,d1,3\nstar wars,d2,\n =1+1,7,2.0\n"a ""b"",c",d1,0\nstar trek,,'
    judged = read_named_judgments(write(tmp_path, text))
    quoted = query_id_of('a "b",c')
    assert judged.qrels.grades == {WARS: {"d1": 3}, "=1+1": {"7": 2}, quoted: {"d1": 0}}
    assert judged.texts == {
        WARS: "star wars", "=1+1": "=1+1", quoted: 'a "b",c', query_id_of("star trek"): "star trek"
    }  # fmt: skip


def test_quepid_s_detailed_export_is_read(tmp_path: Path) -> None:
    """Its rows may be short, ``--`` is no rating, and the fields of the documents are not taken for grades."""
    rows = 't,c,1,star wars,d1,1,"A, b",3,9\r\nt,c,1,star wars,d2,2,B,--,9\r\nt,c,1,no hits\r\n'
    judged = read_named_judgments(write(tmp_path, DETAILED + rows))
    assert judged.qrels.grades == {WARS: {"d1": 3}}
    assert set(judged.texts.values()) == {"star wars", "no hits"}


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Team Name,Case Name,Case ID,Query Text,Score,Date Last Scored,Count", "Quepid's general export"),
        ("Snapshot Name,Snapshot Time,Case ID,Query Text,Doc ID,Doc Position", "a snapshot of Quepid"),
        ("query,information_need", "Quepid's export of information needs"),
    ],
)
def test_other_exports_of_quepid_are_named(tmp_path: Path, header: str, name: str) -> None:
    """They have no ratings."""
    row = ",".join("x" for _ in header.split(","))
    problem = said(lambda: read_judgments(write(tmp_path, f"{header}\n{row}\n")))
    assert f"x.csv is {name}" in problem
    assert "export the case as Basic" in problem


@pytest.mark.parametrize(
    "text",
    [
        "query_id,doc_id,grade\nq1,d1,2\n",
        "Query ID;Doc ID;Relevance\nq1;d1;2\n",
        "qid,query,docid,rating\nq1,star wars,d1,2\n",
        "query,query_text,docid,rating\nq1,star wars,d1,2\n",
        "query,doc_id,grade\nq1,d1,2\n",
    ],
)
def test_ids_stay_ids(tmp_path: Path, text: str) -> None:
    """With the usual names of columns, in any case, with blanks or hyphens."""
    assert read_judgments(write(tmp_path, text)).qrels.grades == {"q1": {"d1": 2}}


def test_texts_of_a_column_that_may_hold_ids_are_uncertain(tmp_path: Path) -> None:
    """Unless one of them has two words, or the column is called query_text."""
    assert read_named_judgments(write(tmp_path, "query,docid,rating\nbutton,d1,1\n")).texts == {}
    assert read_named_judgments(write(tmp_path, "query text,docid,rating\nbutton,d1,1\n")).texts == {
        "button": "button"
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a,b\n1,2\n", "x.csv has no column for the query; its columns: a, b"),
        ("query,docid\nq,d\n", "x.csv has no column for the grade"),
        ("query,docid,rating,score\nq,d,1,2\n", "x.csv has 2 columns that may be the grade: rating, score"),
        ("q1,d1,2\n", "x.csv:1 looks like data, not like the names of columns"),
        ("query,docid,rating\nstar wars,d1,\n", "x.csv contains no judgments"),
        ("query,docid,rating\nstar wars,,3\n", "x.csv:2: the identifier is missing"),
        ("query,docid,rating\n,d1,3\n", "x.csv:2: the query is empty"),
        ("query,docid,rating\nstar wars,d1,good\n", "x.csv:2 has the grade 'good'"),
        ("query,docid,rating\nstar wars,d1,1\nstar wars,d1,2\n", "has two grades"),
        ("query,docid,rating\nstar wars,1E+15,1\n", "a number that a spreadsheet has shortened"),
        ("query_id,docid,rating\nstar wars,d1,1\n", "x.csv:2: invalid identifier 'star wars'"),
        (
            "qid,query,docid,rating\nq,a b,d1,1\nq,a c,d2,1\n",
            "x.csv:3: query 'q' occurs with two different texts",
        ),
    ],
)
def test_what_is_unclear_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """No column is guessed, and no rating rounded."""
    assert problem in said(lambda: read_judgments(write(tmp_path, text)))


def test_columns_can_be_named(tmp_path: Path) -> None:
    """Whatever they are called."""
    file = write(tmp_path, "typed,sku,stars\nstar wars,d1,2\n")
    assert read_named_judgments(file, names=JudgmentNames("typed", "sku", "stars")).qrels.grades == {
        WARS: {"d1": 2}
    }
    assert "has no column 'sku2'\n  hint: use one of its columns: typed, sku, stars" in said(
        lambda: read_named_judgments(file, names=JudgmentNames("typed", "sku2", "stars"))
    )


def test_null_as_a_word_is_no_rating(tmp_path: Path) -> None:
    """Documents with null or NaN are unjudged, like those with an empty cell."""
    text = "query,docid,rating\nstar wars,d1,null\nstar wars,d2,NaN\nstar wars,d3,1\n"
    assert list(read_judgments(write(tmp_path, text)).qrels.grades.values()) == [{"d3": 1}]
