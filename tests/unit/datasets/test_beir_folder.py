"""Folders in BEIR's layout: plain, packed file by file, or in a zip."""

from __future__ import annotations

import gzip
import shutil
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from support.messages import said
from support.sources import beir, same

from evalkit.datasets import load_dataset
from evalkit.errors import InputError
from evalkit.records import Dataset


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
    assert "set folder to one of: first, in/second" in said(lambda: load_dataset(beir(several)))
    second = load_dataset(beir(several, folder="in/second"))
    assert same(second, beir_folder)
    assert second.name == "second"


def test_zips_that_cannot_be_read_are_reported(beir_folder: Path, tmp_path: Path) -> None:
    """No file, no zip, no collection, no such folder, no such split: each is one line."""
    (tmp_path / "no.zip").write_text("x", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as packed:
        packed.writestr("a", "b")
    whole = zip_of(beir_folder, "tiny/", tmp_path / "tiny.zip")
    for path, settings, problem in (
        (tmp_path / "none.zip", {}, "file not found"),
        (tmp_path / "no.zip", {}, "cannot read"),
        (tmp_path / "other.zip", {}, "contains 0 datasets"),
        (whole, {"folder": "big"}, "dataset folder not found"),
        (whole, {"split": "dev"}, "use one of the splits: test"),
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
    with pytest.raises(InputError, match="invalid template"):
        load(beir_folder, template="{body}")


def test_gzipped_files_are_read_alike(beir_folder: Path) -> None:
    """corpus.jsonl.gz is corpus.jsonl."""
    plain = load(beir_folder)
    file = beir_folder / "corpus.jsonl"
    file.with_name("corpus.jsonl.gz").write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    assert load(beir_folder).origin.content_hash == plain.origin.content_hash


def test_a_folder_of_several_collections_names_them(beir_folder: Path, tmp_path: Path) -> None:
    """As the unpacked CQADupStack is: one is chosen by its name."""
    several = tmp_path / "cqadupstack"
    several.mkdir()
    for part in ("android", "english"):
        shutil.copytree(beir_folder, several / part)
    message = said(lambda: load_dataset(beir(several)))
    assert "cqadupstack contains 2 datasets in BEIR's layout" in message
    assert "set folder to one of: android, english" in message
    chosen = load_dataset(beir(several, folder="english"))
    assert chosen.name == "english"
    assert same(chosen, beir_folder)


def test_a_zip_with_backslashes_is_read(beir_folder: Path, tmp_path: Path) -> None:
    """Some tools on Windows write them into the names."""
    target = tmp_path / "windows.zip"
    with zipfile.ZipFile(target, "w") as packed:
        for file in sorted(beir_folder.rglob("*")):
            if file.is_file():
                entry = zipfile.ZipInfo("x")
                entry.filename = "tiny\\" + str(file.relative_to(beir_folder)).replace("/", "\\")
                packed.writestr(entry, file.read_bytes())
    with zipfile.ZipFile(target) as packed:
        assert "tiny\\qrels\\test.tsv" in packed.namelist()
    assert same(load_dataset(beir(target)), beir_folder)
    assert same(load_dataset(beir(target, folder="tiny")), beir_folder)
