"""Collections in TREC's own formats: the same dataset as a BEIR folder."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from support.collections import DOCUMENTS, QUERIES
from support.messages import said
from support.sources import ROWS, same

from evalkit.datasets import load_dataset
from evalkit.records import Dataset


def test_trec_markup_is_the_same_collection(beir_folder: Path, tmp_path: Path) -> None:
    """SGML in packed files of a folder, topics and three-column qrels give what the BEIR folder gives."""
    corpus = tmp_path / "disk"
    corpus.mkdir()
    for number, (doc_id, (title, text)) in enumerate(DOCUMENTS.items()):
        source = f"<DOC>\n<DOCNO>{doc_id}</DOCNO>\n<TITLE>{title}</TITLE>\n<TEXT>\n{text}\n</TEXT>\n</DOC>\n"
        (corpus / f"{number}.gz").write_bytes(gzip.compress(source.encode()))
    topics, qrels = tmp_path / "topics.txt", tmp_path / "tiny.qrels"
    written = [f"<top>\n<num> Number: {q}\n<title> {text}\n</top>\n" for q, text in QUERIES.items()]
    topics.write_text("".join(written), encoding="utf-8")
    qrels.write_text("".join(f"{q} {d} {g}\n" for q, d, g in ROWS), encoding="utf-8")
    block = {"source": "trec_files", "corpus": str(corpus), "queries": str(topics), "qrels": str(qrels)}
    assert same(load_dataset(block), beir_folder)
    assert "topic q1 has no desc" in said(lambda: load_dataset({**block, "topic_field": "desc"}))
    assert "unknown encoding 'utf-9'" in said(lambda: load_dataset({**block, "encoding": "utf-9"}))


def load(folder: Path, **settings: object) -> Dataset:
    """Load a BEIR folder."""
    return load_dataset({"source": "beir_folder", "path": str(folder), **settings})


def test_trec_files_are_the_same_collection(beir_folder: Path, tmp_path: Path) -> None:
    """Three TREC files give the same dataset as the BEIR folder they were made from."""
    dataset = load(beir_folder)
    queries, qrels, corpus = tmp_path / "q.tsv", tmp_path / "tiny.qrels", tmp_path / "c.tsv"
    queries.write_text("".join(f"{q.query_id}\t{q.text}\n" for q in dataset.queries), encoding="utf-8")
    rows = [f"{q} 0 {d} {g}\n" for q, docs in dataset.qrels.grades.items() for d, g in docs.items()]
    qrels.write_text("".join(rows), encoding="utf-8")
    lines = [
        "\t".join([d, *t.split("\n")]) + "\n"
        for d, t in zip(dataset.corpus.doc_ids, dataset.corpus.texts, strict=True)
    ]
    corpus.write_text("".join(lines), encoding="utf-8")
    same = load_dataset(
        {"source": "trec_files", "corpus": str(corpus), "queries": str(queries), "qrels": str(qrels)}
    )
    assert same.name == "tiny"
    assert same.origin.content_hash == dataset.origin.content_hash
    json_corpus = {
        "source": "trec_files",
        "corpus": str(beir_folder / "corpus.jsonl"),
        "queries": str(queries),
        "qrels": str(qrels),
    }
    assert load_dataset(json_corpus).origin.content_hash == dataset.origin.content_hash


def three_files(folder: Path, corpus: str, queries: str, qrels: str, judgments: str = "qrels.txt") -> Dataset:
    """Load a collection in three files without headers."""
    block = {"source": "trec_files"}
    names = {"corpus": "corpus.tsv", "queries": "queries.tsv", "qrels": judgments}
    for (key, name), content in zip(names.items(), (corpus, queries, qrels), strict=True):
        (folder / name).write_text(content, encoding="utf-8")
        block[key] = str(folder / name)
    return load_dataset(block)


def test_a_tab_in_a_text_belongs_to_the_text(tmp_path: Path) -> None:
    """Where the first line has two columns, in queries and in a corpus."""
    dataset = three_files(tmp_path, "d1\ta\nd2\tb\tc\td\n", "1\tone\n2\tis it\tsafe\n", "1 d1 1\n2 d2 1\n")
    assert [query.text for query in dataset.queries] == ["one", "is it\tsafe"]
    assert dataset.corpus.text("d2") == "b\tc\td"


def test_documents_of_ms_marco_have_an_address(tmp_path: Path) -> None:
    """It is left out; title and text are joined."""
    corpus = "D1\thttps://x.org/\tTitle\tText\nD2\thttp://x.org/2\t\tOther\n"
    dataset = three_files(tmp_path, corpus, "1\tone\n", "1 0 D1 1\n")
    assert tuple(dataset.corpus.texts) == ("Title\nText", "Other")


@pytest.mark.parametrize(
    ("corpus", "queries", "problem"),
    [
        ("1\t2\tquery\tpassage\n", "1\tone\n", "corpus.tsv:1 has 4 columns"),
        ("d1\ta\n", "1\tone\tmore\n", "queries.tsv:1 has 3 columns"),
        ("d1\ta\n", "1\tone\n2\n", "queries.tsv:2 has 1 columns"),
        ("d1\ta\tb\nd2\ta\tb\tc\n", "1\tone\n", "corpus.tsv:2 has 4 columns"),
    ],
)
def test_other_columns_are_refused(tmp_path: Path, corpus: str, queries: str, problem: str) -> None:
    """What they mean cannot be known."""
    assert problem in said(lambda: three_files(tmp_path, corpus, queries, "1 0 d1 1\n"))


def test_judgments_of_other_tools_are_joined_by_text(tmp_path: Path) -> None:
    """As for tables."""
    rated = "query,docid,rating\nstar wars,d1,3\n"
    dataset = three_files(tmp_path, "d1\ta\n", "7\tstar wars\n", rated, "case_basic.csv")
    assert dataset.qrels.grades == {"7": {"d1": 3}}
