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


def test_exclusions_survive_an_import(beir_folder: Path, tmp_path: Path) -> None:
    """Those of a list and those of grade -100; the note counts them."""
    file = beir_folder / "queries.jsonl"
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    lines[0]["excluded_ids"] = ["d3"]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    judgments = beir_folder / "qrels" / "test.tsv"
    judgments.write_text(judgments.read_text(encoding="utf-8") + "q2\td1\t-100\n", encoding="utf-8")
    original = load_dataset(beir(beir_folder))
    assert original.excluded == {"q1": {"d3"}, "q2": {"d1"}}
    (settings,) = named_datasets(str(beir_folder))
    imported = import_dataset(settings, tmp_path / "imported")
    saved = save_dataset(original, tmp_path / "saved")
    assert imported.excluded == saved.excluded == original.excluded
    assert same(load_dataset(beir(tmp_path / "imported")), beir_folder)
    note = (tmp_path / "imported" / "PROVENANCE.md").read_text(encoding="utf-8")
    assert "- excluded: 2 pairs of a query and a document that is never its candidate" in note


def test_an_import_has_no_judged_queries_without_text(beir_folder: Path, tmp_path: Path) -> None:
    """They are left out as the settings say, so that the folder loads without this setting; the note counts them."""
    judgments = beir_folder / "qrels" / "test.tsv"
    judgments.write_text(judgments.read_text(encoding="utf-8") + "q9\td1\t1\n", encoding="utf-8")
    (settings,) = named_datasets(json.dumps(beir(beir_folder, judged_queries_without_text="leave_out")))
    import_dataset(settings, tmp_path / "kept")
    assert len(load_dataset(beir(tmp_path / "kept")).queries) == 5
    note = (tmp_path / "kept" / "PROVENANCE.md").read_text(encoding="utf-8")
    assert "- left out: judged queries without text: 1" in note
