"""Datasets that are saved to a folder of the user, and read back."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from support.collections import DOCUMENTS
from support.messages import said
from support.sources import JUDGED, beir, same, tables

from evalkit.datasets import dataset_from_pairs, import_dataset, load_dataset, named_datasets, save_dataset


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


def test_judgments_by_subtopic_are_saved_as_such(tmp_path: Path) -> None:
    """The folder has the same content, subtopics included."""
    (tmp_path / "c.jsonl").write_text(
        '{"_id": "a", "text": "x"}\n{"_id": "b", "text": "y"}\n', encoding="utf-8"
    )
    (tmp_path / "q.tsv").write_text("1\tone\n", encoding="utf-8")
    (tmp_path / "j.txt").write_text("1 1 a 1\n1 2 a 0\n1 2 b 1\n", encoding="utf-8")
    files = {"corpus": "c.jsonl", "queries": "q.tsv", "qrels": "j.txt"}
    source = {"source": "trec_files", **{name: str(tmp_path / file) for name, file in files.items()}}
    (settings,) = named_datasets(json.dumps(source))
    kept = import_dataset(settings, tmp_path / "kept")
    assert kept.qrels == load_dataset(source).qrels
    assert kept.qrels.subtopics == {"1": {"1": {"a": 1}, "2": {"a": 0, "b": 1}}}
