"""Datasets: what is read, joined, sampled and recorded."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from evalkit.config import validate_block
from evalkit.datasets import load_dataset
from evalkit.datasets.frames import dataset_from_frames
from evalkit.errors import InputError
from evalkit.records import Dataset, Query, Run
from evalkit.retrievers import retrieve_candidates


def load(folder: Path, **settings: object) -> Dataset:
    """Load a BEIR folder."""
    return load_dataset({"source": "beir_folder", "path": str(folder), **settings})


def test_a_folder_is_read_with_its_title_and_counts(beir_folder: Path) -> None:
    """Title and text are joined by the template; queries without judgments are left out and counted."""
    dataset = load(beir_folder)
    assert dataset.name == "tiny"
    assert dataset.corpus.text("d1") == "Cats\nA cat sleeps on the warm roof."
    assert [q.query_id for q in dataset.queries] == ["q1", "q2", "q3", "q4", "q5"]
    assert dataset.origin.counts["unjudged_queries_left_out"] == 1
    assert dataset.qrels.unanswerable == ("q5",)
    assert load(beir_folder, template="{text}").corpus.text("d1") == "A cat sleeps on the warm roof."
    with pytest.raises(InputError, match="cannot be used"):
        load(beir_folder, template="{body}")


def test_gzipped_files_are_read_alike(beir_folder: Path) -> None:
    """corpus.jsonl.gz is corpus.jsonl."""
    plain = load(beir_folder)
    file = beir_folder / "corpus.jsonl"
    file.with_name("corpus.jsonl.gz").write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    assert load(beir_folder).origin.content_hash == plain.origin.content_hash


def test_a_sample_is_seeded_kept_in_order_and_recorded(beir_folder: Path) -> None:
    """The same seed draws the same queries, in file order; judgments follow; the draw is on record."""
    samples = [load(beir_folder, sample={"queries": 3, "seed": seed}) for seed in (1, 1, 2, 3, 4)]
    ids = [[q.query_id for q in s.queries] for s in samples]
    assert ids[0] == ids[1]
    assert len({tuple(i) for i in ids}) > 1
    assert all(i == sorted(i) and len(i) == 3 for i in ids)
    assert list(samples[0].qrels.grades) == ids[0]
    assert samples[0].origin.sample == {"queries": 3, "seed": 1}
    assert samples[0].origin.counts["judged_queries_not_sampled"] == 2


def test_the_content_hash_sees_every_part(beir_folder: Path) -> None:
    """Changing one text, query or grade changes the hash; reading again does not."""
    before = load(beir_folder).origin.content_hash
    assert load(beir_folder).origin.content_hash == before
    for name, old, new in (
        ("corpus.jsonl", b"warm roof", b"warm  roof"),
        ("queries.jsonl", b"garden bird", b"garden birds"),
        ("qrels/test.tsv", b"q1\td1\t3", b"q1\td1\t2"),
    ):
        file = beir_folder / name
        held = file.read_bytes()
        file.write_bytes(held.replace(old, new))
        assert load(beir_folder).origin.content_hash != before
        file.write_bytes(held)


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


def test_a_document_that_is_the_query_is_barred_before_the_cut(beir_folder: Path) -> None:
    """Where query and document ids coincide, the document is excluded and the list keeps its length."""

    class Everything:
        """A retriever that finds q1's own document first."""

        def retrieve(self, queries: tuple[Query, ...], depth: int) -> Run:
            """Return five documents per query, the query's own id best."""
            docs = [q.query_id for q in queries for _ in "x"]
            rows = [(q, d, 9.0 - i) for q in docs for i, d in enumerate([q, "d1", "d2", "d3", "d4"][:depth])]
            return Run.from_rows("t", [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])

    excluded = retrieve_candidates(Everything(), load(beir_folder, exclude_same_id=True), 3)
    assert all(docs == ("d1", "d2", "d3") for _, docs, _ in excluded)
    kept = retrieve_candidates(Everything(), load(beir_folder, exclude_same_id=False), 3)
    assert kept.docs("q1") == ("q1", "d1", "d2")


@pytest.mark.parametrize(
    ("texts", "barred"),
    [
        (["How do  CATS sleep?", "Of Paris: where is it?", "rain"], True),
        (["How do cats sleep?", "another document", "a third one"], False),
        ([], False),
    ],
)
def test_documents_that_are_the_query_are_barred_unless_told(texts: list[str], *, barred: bool) -> None:
    """Where most documents with a query's id hold its text, ids mean the same thing; otherwise they meet by chance."""
    asked = ["how do cats sleep?", "where is it?", "what of fish"]
    queries = pd.DataFrame({"query_id": ["1", "2", "3"], "text": asked})
    corpus = pd.DataFrame({"doc_id": [*"123"[: len(texts)], "x"], "text": [*texts, "more"]})
    judged = pd.DataFrame({"query_id": ["1", "2", "3"], "doc_id": ["x"] * 3, "relevance": [1] * 3})
    assert dataset_from_frames(corpus, queries, judged).origin.exclude_same_id == barred


def test_any_snowball_language_is_understood(beir_folder: Path) -> None:
    """BM25 takes any Snowball language; an unknown one is told with the nearest name."""
    from evalkit.retrievers import open_retriever

    settings = validate_block("retriever kind", {"kind": "bm25"})
    for language in ("german", "arabic", "finnish"):
        open_retriever(settings, load(beir_folder, language=language))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="unknown language 'germn'"):
        open_retriever(settings, load(beir_folder, language="germn"))  # type: ignore[arg-type]
