"""Collections in tables: columns are named, or have usual names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.messages import said
from support.sources import same, tables

from evalkit.datasets import load_dataset
from evalkit.datasets.corpora import Stamp
from evalkit.datasets.tables import CorpusTable
from evalkit.formats import query_id_of
from evalkit.records import Dataset


def test_tables_with_columns_named_are_the_same_collection(beir_folder: Path, tmp_path: Path) -> None:
    """Parquet, JSON Lines and CSV with names of their own, grades in words: what the BEIR folder gives."""
    block = tables(tmp_path)
    assert same(load_dataset(block), beir_folder)
    shouted = {**block["qrels"]["grades"], "Exact": 3}
    del shouted["exact"]
    reported = said(lambda: load_dataset({**block, "qrels": {**block["qrels"], "grades": shouted}}))
    assert "has the grade 'exact'" in reported
    assert "did you mean 'Exact'? white space and case are significant" in reported
    odd = {**block, "corpus": {**block["corpus"], "text": "bodi"}}
    assert "row 1 has no column 'bodi'\n  hint: use one of its columns: sku, name, body" in said(
        lambda: load_dataset(odd)
    )
    odd = {**block, "qrels": {**block["qrels"], "grades": {"exact": 3}}}
    assert "labels.csv:3 has the grade 'some'" in said(lambda: load_dataset(odd))
    odd = {**block, "qrels": {**block["qrels"], "grades": {}}}
    assert "map words to numbers" in said(lambda: load_dataset(odd))
    assert "needs either 'pairs', or" in said(
        lambda: load_dataset({"source": "tables", "corpus": block["corpus"]})
    )


CORPUS = '[\n{"id": "d1", "text": "a film"},\n{"id": "d2", "text": "a button"}\n]'
BASIC = "query,docid,rating\nstar wars,d1,3\nstar wars,d2,\nbutton,d2,1\nstar trek,,\n"


def judged_by(folder: Path, name: str, content: str, **block: Any) -> Dataset:
    """Load a collection with the judgments of a file."""
    (folder / "corpus.json").write_text(CORPUS, encoding="utf-8")
    (folder / name).write_text(content, encoding="utf-8")
    qrels = {"path": str(folder / name), **block.pop("qrels", {})}
    return load_dataset(
        {"source": "tables", "corpus": {"path": str(folder / "corpus.json")}, "qrels": qrels, **block}
    )


def test_judgments_with_texts_need_no_table_of_queries(tmp_path: Path) -> None:
    """The queries are theirs; one without ratings is left out and counted."""
    dataset = judged_by(tmp_path, "case_basic.csv", BASIC)
    assert [query.text for query in dataset.queries] == ["star wars", "button"]
    assert dataset.qrels.grades == {query_id_of("star wars"): {"d1": 3}, "button": {"d2": 1}}
    assert dataset.origin.counts["unjudged_queries_left_out"] == 1
    ratings = '{"judgmentRatings": [{"query": "star wars", "ratings": [{"docId": "d1", "rating": "3.0"}]}]}'
    assert judged_by(tmp_path, "list.json", ratings).queries[0].text == "star wars"


def test_judgments_with_texts_are_joined_with_the_queries_by_text(tmp_path: Path) -> None:
    """The ids are those of the table; a text that it lacks is a query without text."""
    (tmp_path / "q.csv").write_text("id,text\n1,star wars\n2,button\n", encoding="utf-8")
    queries = {"path": str(tmp_path / "q.csv")}
    assert judged_by(tmp_path, "x.csv", BASIC, queries=queries).qrels.grades == {
        "1": {"d1": 3},
        "2": {"d2": 1},
    }
    other = BASIC.replace("button", "buttons of wood")
    assert "judged queries have no text" in said(lambda: judged_by(tmp_path, "x.csv", other, queries=queries))


def test_ids_are_not_taken_for_texts(tmp_path: Path) -> None:
    """A column of single words may hold either, and judgments by id have no texts."""
    words = "query,docid,rating\nbutton,d2,1\n"
    for content in (words, words.replace("query", "query_id")):
        assert "has no text for 1 of its queries, or does not state that it has texts" in said(
            lambda content=content: judged_by(tmp_path, "x.csv", content)
        )
    assert judged_by(tmp_path, "x.csv", words.replace("query", "Query Text")).queries[0].text == "button"


def test_fractions_are_mapped_by_the_block(tmp_path: Path) -> None:
    """They are never rounded: without a mapping they are grades as they are."""
    content = '{"judgmentRatings": [{"query": "star wars", "ratings": [{"docId": "d1", "rating": "0.7"}]}]}'
    dataset = judged_by(tmp_path, "x.json", content)
    assert dataset.qrels.grades == {query_id_of("star wars"): {"d1": 0.7}}
    dataset = judged_by(tmp_path, "x.json", content, qrels={"grades": {"0.7": 2.5, "1.0": 3}})
    assert dataset.qrels.grades == {query_id_of("star wars"): {"d1": 2.5}}


def test_a_sheet_of_a_workbook_is_a_table(tmp_path: Path) -> None:
    """Its name is that of the sheet."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["notes"])
    sheet = book.create_sheet("Pairs")
    for row in (["query", "document", "grade"], ["star wars", "a film", 2.0], [1984, "a book", 1]):
        sheet.append(row)
    book.save(tmp_path / "x.xlsx")
    pairs = {"path": str(tmp_path / "x.xlsx"), "sheet": "Pairs"}
    dataset = load_dataset({"source": "tables", "pairs": pairs})
    assert [query.text for query in dataset.queries] == ["star wars", "1984"]
    assert sorted(grade for docs in dataset.qrels.grades.values() for grade in docs.values()) == [1, 2]
    without = {"source": "tables", "pairs": {"path": pairs["path"]}}
    assert (
        "sheet 'Sheet' has no rows below its header\n  hint: move the sheet with the table to the first place"
        in said(lambda: load_dataset(without))
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [("qrels.tsv", "0\t0\t0\t1\n1\t0\t1\t1\n"), ("qrels.csv", "star wars,d1,1\nstar trek,d2,0\n")],
)
def test_a_table_without_a_header_is_named(tmp_path: Path, name: str, content: str) -> None:
    """It is not read as if its first row were names."""
    (tmp_path / name).write_text(content, encoding="utf-8")
    corpus = {"source": "tables", "pairs": {"path": str(tmp_path / name)}}
    problem = said(lambda: load_dataset(corpus))
    assert "write the names of the columns above it" in problem


def test_qrels_without_a_header_are_read(tmp_path: Path) -> None:
    """TREC's four columns, whatever the file is called."""
    (tmp_path / "q.csv").write_text("id,text\n1,star wars\n", encoding="utf-8")
    queries = {"path": str(tmp_path / "q.csv")}
    assert judged_by(tmp_path, "qrels.tsv", "1\t0\td1\t1\n", queries=queries).qrels.grades == {"1": {"d1": 1}}


def test_an_empty_query_of_a_pair_is_refused(tmp_path: Path) -> None:
    """As of a sheet in which the query is written once for several rows."""
    (tmp_path / "x.csv").write_text("query,document,grade\nq,a,1\n,b,1\n", encoding="utf-8")
    block = {"source": "tables", "pairs": {"path": str(tmp_path / "x.csv")}}
    assert "x.csv:3: the query is empty" in said(lambda: load_dataset(block))


@pytest.mark.parametrize(
    ("judged", "problem"),
    [
        ("1,7,1", "the judged document '7' is not in the collection, but '007' is"),
        ("2,7,1\n2,d,1", "there is no query '2', but '02'"),
    ],
)
def test_lost_zeros_of_identifiers_are_found(tmp_path: Path, judged: str, problem: str) -> None:
    """A spreadsheet removes them from numbers; then nothing would be found relevant."""
    (tmp_path / "c.csv").write_text("id,text\n007,a film\n8,b\n", encoding="utf-8")
    (tmp_path / "q.csv").write_text("id,text\n1,star wars\n02,button\n", encoding="utf-8")
    (tmp_path / "j.csv").write_text(f"query_id,doc_id,grade\n1,8,1\n{judged}\n", encoding="utf-8")
    names = {"corpus": "c.csv", "queries": "q.csv", "qrels": "j.csv"}
    block = {key: {"path": str(tmp_path / name)} for key, name in names.items()}
    assert problem in said(lambda: load_dataset({"source": "tables", **block}))


def test_a_folder_of_text_files_is_a_corpus(tmp_path: Path) -> None:
    """One document in each file; its judgments name the path; a changed file changes the stamp of a cached corpus."""
    (tmp_path / "docs" / "faq").mkdir(parents=True)
    (tmp_path / "docs" / "faq" / "a.md").write_text("# a film\n", encoding="utf-8")
    (tmp_path / "docs" / "b.txt").write_text("a button\n", encoding="utf-8")
    (tmp_path / "queries.csv").write_text("id,text\nq,film\n", encoding="utf-8")
    (tmp_path / "qrels.csv").write_text("query_id,doc_id,grade\nq,faq/a.md,2\n", encoding="utf-8")
    paths = {
        "corpus": {"path": str(tmp_path / "docs")},
        "queries": {"path": str(tmp_path / "queries.csv")},
        "qrels": {"path": str(tmp_path / "qrels.csv")},
    }
    dataset = load_dataset({"source": "tables", **paths})
    assert list(dataset.corpus.doc_ids) == ["b.txt", "faq/a.md"]
    assert dataset.corpus.text("faq/a.md") == "# a film"
    assert dataset.qrels.grades == {"q": {"faq/a.md": 2}}
    table = CorpusTable(path=tmp_path / "docs")
    before = Stamp.of_files(table.files())
    (tmp_path / "docs" / "b.txt").write_text("another button\n", encoding="utf-8")
    assert Stamp.of_files(table.files()) != before
