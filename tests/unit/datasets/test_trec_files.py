"""Collections in TREC's own formats: the same dataset as a BEIR folder."""

from __future__ import annotations

import gzip
from pathlib import Path

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
