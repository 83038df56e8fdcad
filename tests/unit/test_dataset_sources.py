"""Sources of datasets: the same collection, however it lies on disk, is the same dataset."""

from __future__ import annotations

import gzip
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from support.collections import DOCUMENTS, QRELS, QUERIES

from evalkit.datasets import (
    dataset_from_frames,
    dataset_from_pairs,
    describe,
    import_dataset,
    load_dataset,
    named_datasets,
    save_dataset,
)
from evalkit.errors import EvalkitError, MissingExtraError
from evalkit.records import Dataset

ROWS = [(q, d, grade) for q, docs in QRELS.items() for d, grade in docs.items()]


def same(dataset: Dataset, folder: Path) -> bool:
    """Return whether a dataset holds what the tiny folder holds."""
    return dataset.origin.content_hash == load_dataset(beir(folder)).origin.content_hash


def beir(path: Path, /, **settings: Any) -> dict[str, Any]:
    """Return the block of a BEIR folder."""
    return {"source": "beir_folder", "path": str(path), **settings}


def said(ask: Callable[[], object]) -> str:
    """Return what a user is told."""
    with pytest.raises(EvalkitError) as caught:
        ask()
    return caught.value.render()


def zip_of(folder: Path, below: str, target: Path) -> Path:
    """Pack a folder below another name; return the zip."""
    with zipfile.ZipFile(target, "a") as packed:
        for file in sorted(folder.rglob("*")):
            packed.write(file, f"{below}{file.relative_to(folder)}")
    return target


def test_a_zip_is_its_folder(beir_folder: Path, tmp_path: Path) -> None:
    """A collection at the top of a zip, in a folder of it, or one of several that is named."""
    top = load_dataset(beir(zip_of(beir_folder, "", tmp_path / "top.zip")))
    assert same(top, beir_folder)
    assert top.name == "top"
    several = zip_of(beir_folder, "first/", tmp_path / "all.zip")
    assert same(load_dataset(beir(several)), beir_folder)
    zip_of(beir_folder, "in/second/", several)
    assert "folder: first, in/second" in said(lambda: load_dataset(beir(several)))
    second = load_dataset(beir(several, folder="in/second"))
    assert same(second, beir_folder)
    assert second.name == "second"


def test_zips_that_cannot_be_read_are_told(beir_folder: Path, tmp_path: Path) -> None:
    """No file, no zip, no collection, no such folder, no such split: each is one line."""
    (tmp_path / "no.zip").write_text("x", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as packed:
        packed.writestr("a", "b")
    whole = zip_of(beir_folder, "tiny/", tmp_path / "tiny.zip")
    for path, settings, problem in (
        (tmp_path / "none.zip", {}, "file not found"),
        (tmp_path / "no.zip", {}, "cannot read"),
        (tmp_path / "other.zip", {}, "holds 0 collections"),
        (whole, {"folder": "big"}, "dataset folder not found"),
        (whole, {"split": "dev"}, "the splits there are: test"),
    ):
        assert problem in said(lambda path=path, settings=settings: load_dataset(beir(path, **settings)))  # type: ignore[misc]


def test_packed_files_of_a_folder_are_read_alike(beir_folder: Path) -> None:
    """Corpus, queries and judgments may each be packed, in gzip or zstd."""
    before = load_dataset(beir(beir_folder)).origin.content_hash
    for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"):
        file = beir_folder / name
        packed = pa.compress(file.read_bytes(), codec="zstd", asbytes=True)
        file.with_name(file.name + ".zst").write_bytes(packed)
        file.unlink()
    assert load_dataset(beir(beir_folder)).origin.content_hash == before


def test_trec_markup_is_the_same_collection(beir_folder: Path, tmp_path: Path) -> None:
    """SGML in packed files of a folder, topics and three-column qrels give what the BEIR folder gives."""
    corpus = tmp_path / "disk"
    corpus.mkdir()
    for number, (doc_id, (title, text)) in enumerate(DOCUMENTS.items()):
        source = f"<DOC>\n<DOCNO>{doc_id}</DOCNO>\n<TITLE>{title}</TITLE>\n<TEXT>\n{text}\n</TEXT>\n</DOC>\n"
        (corpus / f"{number}.gz").write_bytes(gzip.compress(source.encode()))
    topics, qrels = tmp_path / "topics.txt", tmp_path / "tiny.qrels"
    told = [f"<top>\n<num> Number: {q}\n<title> {text}\n</top>\n" for q, text in QUERIES.items()]
    topics.write_text("".join(told), encoding="utf-8")
    qrels.write_text("".join(f"{q} {d} {g}\n" for q, d, g in ROWS), encoding="utf-8")
    block = {"source": "trec_files", "corpus": str(corpus), "queries": str(topics), "qrels": str(qrels)}
    assert same(load_dataset(block), beir_folder)
    assert "topic q1 has no desc" in said(lambda: load_dataset({**block, "topic_field": "desc"}))
    assert "no encoding 'utf-9'" in said(lambda: load_dataset({**block, "encoding": "utf-9"}))


def tables(tmp_path: Path) -> dict[str, Any]:
    """Write the tiny collection as three tables with columns of their own; return the block."""
    documents = [{"sku": d, "name": title, "body": text} for d, (title, text) in DOCUMENTS.items()]
    parquet.write_table(pa.Table.from_pylist(documents), tmp_path / "products.parquet")
    asked = [{"n": q, "typed": text} for q, text in QUERIES.items()]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, asked)), encoding="utf-8")
    words = {0: "no", 1: "some", 2: "good", 3: "exact"}
    labels = "".join(f"{q};{d};{words[g]}\n" for q, d, g in ROWS)
    (tmp_path / "labels.csv").write_text("n;sku;label\n" + labels, encoding="utf-8")
    grades = {word: grade for grade, word in words.items()}
    return {
        "source": "tables",
        "corpus": {"path": str(tmp_path / "products.parquet"), "id": "sku", "title": "name", "text": "body"},
        "queries": {"path": str(tmp_path / "q.jsonl"), "id": "n", "text": "typed"},
        "qrels": {"path": str(tmp_path / "labels.csv"), "query": "n", "document": "sku", "grades": grades},
    }


def test_tables_with_columns_named_are_the_same_collection(beir_folder: Path, tmp_path: Path) -> None:
    """Parquet, JSON Lines and CSV with names of their own, grades in words: what the BEIR folder gives."""
    block = tables(tmp_path)
    assert same(load_dataset(block), beir_folder)
    shouted = {**block["qrels"]["grades"], "Exact": 3}
    del shouted["exact"]
    told = said(lambda: load_dataset({**block, "qrels": {**block["qrels"], "grades": shouted}}))
    assert "has the grade 'exact'" in told
    assert "did you mean 'Exact'? white space and case count" in told
    odd = {**block, "corpus": {**block["corpus"], "text": "bodi"}}
    assert "row 1 has no column 'bodi'\n  hint: its columns: sku, name, body" in said(
        lambda: load_dataset(odd)
    )
    odd = {**block, "qrels": {**block["qrels"], "grades": {"exact": 3}}}
    assert "labels.csv:3 has the grade 'some'" in said(lambda: load_dataset(odd))
    odd = {**block, "qrels": {**block["qrels"], "grades": {}}}
    assert "say what words stand for" in said(lambda: load_dataset(odd))
    assert "needs either 'pairs', or" in said(
        lambda: load_dataset({"source": "tables", "corpus": block["corpus"]})
    )


def pair_table(path: Path, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Write judged pairs as CSV; return the block."""
    pd.DataFrame(rows).to_csv(path, index=False)
    return {"source": "tables", "pairs": {"path": str(path)}}


JUDGED = [
    {"query": "cat", "document": "a cat", "label": 2},
    {"query": "cat", "document": "a dog", "label": 0},
    {"query": "dog", "document": "a dog", "label": 1},
]


def test_judged_pairs_need_no_ids(tmp_path: Path) -> None:
    """Equal texts are one query and one document, by ids that every load and every order of rows agree on."""
    dataset = load_dataset(pair_table(tmp_path / "judged.csv", JUDGED))
    assert dataset.name == "judged"
    assert sorted(dataset.corpus.texts) == ["a cat", "a dog"]
    assert [query.text for query in dataset.queries] == ["cat", "dog"]
    again = load_dataset(pair_table(tmp_path / "turned.csv", JUDGED[::-1]))
    by_text = {
        (query.text, dataset.corpus.text(doc_id)): grade
        for query in dataset.queries
        for doc_id, grade in dataset.qrels.of(query.query_id).items()
    }
    assert by_text == {("cat", "a cat"): 2, ("cat", "a dog"): 0, ("dog", "a dog"): 1}
    assert {q: dict(docs) for q, docs in again.qrels.grades.items()} == dataset.qrels.grades


def test_listed_documents_are_candidates_in_an_order_that_tells_nothing(tmp_path: Path) -> None:
    """What a table lists for a query is its candidates; the order of rows, relevant ones first, is not theirs."""
    rows = [{"query": "q", "document": f"text {i}", "label": int(i < 20)} for i in range(40)]
    listed = load_dataset(pair_table(tmp_path / "a.csv", rows)).candidates
    turned = load_dataset(pair_table(tmp_path / "b.csv", rows[::-1])).candidates
    assert listed is not None
    assert turned is not None
    assert len(listed) == 40
    assert listed.doc_ids == turned.doc_ids
    relevant = load_dataset(pair_table(tmp_path / "c.csv", rows[:20])).candidates
    assert relevant is not None
    assert 0 < len(set(listed.doc_ids[:20]) & set(relevant.doc_ids)) < 20
    ranked = [{**row, "bm25": float(i)} for i, row in enumerate(rows)]
    block = pair_table(tmp_path / "d.csv", ranked)
    by_score = load_dataset({**block, "pairs": {**block["pairs"], "score": "bm25"}}).candidates
    assert by_score is not None
    assert by_score.scores.tolist() == [float(i) for i in range(40)][::-1]


def test_pairs_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    """Two grades of one pair, and one id of two texts, are errors that name the row."""
    twice = [*JUDGED, {**JUDGED[0], "label": 1}]
    problem = said(lambda: load_dataset(pair_table(tmp_path / "a.csv", twice)))
    assert "a.csv:5: query" in problem
    assert "is judged 1 here and 2 before" in problem
    ids = [{**row, "doc_id": "same"} for row in JUDGED]
    assert "b.csv:3: document 'same' had another text before" in said(
        lambda: load_dataset(pair_table(tmp_path / "b.csv", ids))
    )


def test_frames_are_the_same_collection(beir_folder: Path) -> None:
    """Three pandas frames, the ids of one in its index, give what the BEIR folder gives; missing titles are none."""
    corpus = pd.DataFrame(
        {
            "doc_id": list(DOCUMENTS),
            "title": [t for t, _ in DOCUMENTS.values()],
            "text": [t for _, t in DOCUMENTS.values()],
        }
    ).set_index("doc_id")
    asked = pd.DataFrame({"qid": list(QUERIES), "query": list(QUERIES.values()), "kind": "short"})
    qrels = pd.DataFrame(ROWS, columns=["query_id", "doc_id", "relevance"])
    dataset = dataset_from_frames(corpus, asked, qrels, name="mine")
    assert same(dataset, beir_folder)
    assert dataset.queries[0].fields == {"kind": "short"}
    untitled = dataset_from_frames(corpus.assign(title=float("nan")), asked, qrels)
    assert untitled.corpus.text("d1") == DOCUMENTS["d1"][1]
    bad = qrels.assign(relevance=[0.5] * len(qrels))
    assert "qrels, row 1 has the grade 0.5" in said(lambda: dataset_from_frames(corpus, asked, bad))
    assert dataset_from_pairs(pd.DataFrame(JUDGED)).origin.counts["judgments"] == 3


def test_an_import_is_the_same_dataset_with_its_provenance(beir_folder: Path, tmp_path: Path) -> None:
    """Tables become a BEIR folder with equal content, titles apart, a note; the note's licence is read back."""
    (settings,) = named_datasets(json.dumps(tables(tmp_path)))
    kept = import_dataset(settings, tmp_path / "kept")
    assert same(kept, tmp_path / "kept")
    assert same(kept, beir_folder)
    assert load_dataset(beir(tmp_path / "kept", template="{text}")).corpus.text("d1") == DOCUMENTS["d1"][1]
    note = (tmp_path / "kept" / "PROVENANCE.md").read_text(encoding="utf-8")
    assert kept.origin.content_hash in note
    assert "- licence: not stated" in note
    assert load_dataset(beir(tmp_path / "kept")).origin.licence is None
    (demo,) = named_datasets("demo")
    import_dataset(demo, tmp_path / "demo")
    assert load_dataset(beir(tmp_path / "demo")).origin.licence == "Apache-2.0"
    assert "is not empty" in said(lambda: import_dataset(demo, tmp_path / "demo"))


def test_an_import_that_fails_leaves_nothing(beir_folder: Path, tmp_path: Path) -> None:
    """Half a dataset would be taken for a whole one."""
    file = beir_folder / "corpus.jsonl"
    file.write_bytes(file.read_bytes() + b"{")
    (settings,) = named_datasets(str(beir_folder))
    assert "corpus.jsonl:6 is not JSON" in said(lambda: import_dataset(settings, tmp_path / "kept"))
    assert not (tmp_path / "kept").exists()


def test_listed_candidates_survive_an_import(tmp_path: Path) -> None:
    """Frames saved to a folder come back with their content and their candidates."""
    dataset = dataset_from_pairs(pd.DataFrame(JUDGED))
    saved = load_dataset(beir(tmp_path / "kept")) if save_dataset(dataset, tmp_path / "kept") else None
    assert saved is not None
    assert saved.origin.content_hash == dataset.origin.content_hash
    assert saved.candidates is not None
    assert dataset.candidates is not None
    assert list(saved.candidates.doc_ids) == list(dataset.candidates.doc_ids)


def test_figures_of_a_dataset_are_counted(beir_folder: Path) -> None:
    """Grades, lengths and counts are those of the texts; what nobody stated is None."""
    facts = describe(load_dataset(beir(beir_folder)))
    lengths = sorted(len(f"{title}\n{text}") for title, text in DOCUMENTS.values())
    assert facts["document_characters"] == {"p50": lengths[2], "p95": lengths[4], "longest": lengths[4]}
    assert facts["grades"] == {"0": 3, "1": 4, "2": 2, "3": 1}
    assert (facts["licence"], facts["listed_candidates"]) == (None, None)


def test_ir_datasets_are_read_by_id(tmp_path: Path, beir_folder: Path) -> None:
    """A collection of the catalogue is what its files are; an unknown id is told with the nearest."""
    catalogue = pytest.importorskip("ir_datasets", reason="the extra ir_datasets is not installed")
    texts = {d: f"{title} {text}" for d, (title, text) in DOCUMENTS.items()}
    for name, lines in (
        ("docs.tsv", [f"{d}\t{text}" for d, text in texts.items()]),
        ("queries.tsv", [f"{q}\t{text}" for q, text in QUERIES.items()]),
        ("qrels", [f"{q} 0 {d} {g}" for q, d, g in ROWS]),
    ):
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    made = catalogue.create_dataset(*(str(tmp_path / name) for name in ("docs.tsv", "queries.tsv", "qrels")))
    catalogue.registry.register("evalkit-tiny/test", made)
    dataset = load_dataset({"source": "ir_datasets", "id": "evalkit-tiny/test"})
    assert same(dataset, beir_folder) == same(
        load_dataset(beir(beir_folder, template="{title} {text}")), beir_folder
    )
    assert dict(zip(dataset.corpus.doc_ids, dataset.corpus.texts, strict=True)) == texts
    assert dataset.qrels.grades == QRELS
    assert dataset.name == "evalkit-tiny-test"
    problem = said(lambda: load_dataset({"source": "ir_datasets", "id": "evalkit-tiny/tset"}))
    assert "did you mean 'evalkit-tiny/test'?" in problem
    catalogue.registry.register("evalkit-bare", catalogue.create_dataset(docs_tsv=str(tmp_path / "docs.tsv")))
    assert "has no queries" in said(lambda: load_dataset({"source": "ir_datasets", "id": "evalkit-bare"}))


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, the source says what to install."""
    monkeypatch.setitem(sys.modules, "ir_datasets", None)
    with pytest.raises(MissingExtraError, match="not installed") as caught:
        load_dataset({"source": "ir_datasets", "id": "x/test"})
    assert "rerank-evalkit[ir_datasets]" in (caught.value.hint or "")
