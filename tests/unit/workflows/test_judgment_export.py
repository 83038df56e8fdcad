"""Judgments of a dataset in a file for people and other tools, and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.command import evalkit
from support.messages import said

from evalkit.datasets import load_dataset
from evalkit.datasets.loading import dataset_settings
from evalkit.errors import StorageError
from evalkit.formats import query_id_of, read_judgments
from evalkit.workflows.judgment_export import export_judgments


def pairs(folder: Path) -> str:
    """Write rated pairs with hostile texts; return the block."""
    file = folder / "rated.csv"
    rows = (
        '"=1+1 ""now"", please","a\nb",2',
        '"=1+1 ""now"", please","@SUM(A1)",0',
        "caf\u00e9 \U0001f600,a b,1",
    )
    file.write_text("query,document,grade\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return f"{{source: tables, pairs: {{path: {file}}}}}"


def test_a_workbook_is_the_same_dataset(tmp_path: Path) -> None:
    """With ids, texts and grades: its content has the same hash."""
    pytest.importorskip("openpyxl")
    written, file = load_dataset("demo"), tmp_path / "demo.xlsx"
    export_judgments(dataset_settings("demo"), file)
    read = load_dataset({"source": "tables", "pairs": {"path": str(file)}})
    assert read.qrels.grades == written.qrels.grades
    assert {q.query_id: q.text for q in read.queries} == {q.query_id: q.text for q in written.queries}
    assert all(read.corpus.text(doc_id) == written.corpus.text(doc_id) for doc_id in read.corpus.doc_ids)
    assert read_judgments(file).qrels.grades == written.qrels.grades


def test_quepid_s_csv_is_the_same_judgments(tmp_path: Path) -> None:
    """By the ids of the dataset where its queries are known, else by those of the texts."""
    written, file = load_dataset("demo"), tmp_path / "demo.csv"
    export_judgments(dataset_settings("demo"), file)
    texts = {query.query_id: query.text for query in written.queries}
    assert read_judgments(file, texts).qrels.grades == written.qrels.grades
    by_text = {query_id_of(texts[query_id]): docs for query_id, docs in written.qrels.grades.items()}
    assert read_judgments(file).qrels.grades == by_text


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_hostile_texts_survive_the_command(tmp_path: Path, suffix: str) -> None:
    """Formulas, quotes, line feeds and emoji."""
    pytest.importorskip("openpyxl")
    block, file = pairs(tmp_path), tmp_path / f"out{suffix}"
    done = evalkit("dataset", "export", block, file, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "3 judgments of 2 queries written to" in done.stdout
    source = load_dataset({"source": "tables", "pairs": {"path": str(tmp_path / "rated.csv")}})
    texts = {query.query_id: query.text for query in source.queries}
    assert read_judgments(file, texts).qrels.grades == source.qrels.grades


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """Other formats, files that exist, folders that cannot be written."""
    settings = dataset_settings("demo")
    assert "has an unknown format" in said(lambda: export_judgments(settings, tmp_path / "x.json"))
    (tmp_path / "x.csv").touch()
    assert "exists\n  hint: choose a new file" in said(lambda: export_judgments(settings, tmp_path / "x.csv"))
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot write"):
        export_judgments(settings, tmp_path / "file" / "x.csv")
    both = tmp_path / "c.yaml"
    both.write_text(
        "name: t\ndatasets: [demo, {source: demo, name: other}]\nrerankers: {a: {backend: identity}}\n",
        encoding="utf-8",
    )
    done = evalkit("dataset", "export", both, "y.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "contains 2 datasets: demo, other" in done.stderr


def instructed(folder: Path, text: str) -> dict[str, Any]:
    """Write a collection whose second query has an instruction and that text; return its block."""
    (folder / "corpus.csv").write_text("id,text\nd,a manual\n", encoding="utf-8")
    (folder / "queries.csv").write_text(
        f"id,text,instruction\n1-og,battery,\n1-changed,{text},Only manuals.\n", encoding="utf-8"
    )
    (folder / "qrels.csv").write_text("query_id,doc_id,grade\n1-og,d,1\n1-changed,d,1\n", encoding="utf-8")
    paths = {name: {"path": str(folder / f"{name}.csv")} for name in ("corpus", "queries", "qrels")}
    return {"source": "tables", **paths}


def test_instructions_survive_a_workbook(tmp_path: Path) -> None:
    """The pairs that are read from it have the same queries."""
    pytest.importorskip("openpyxl")
    export_judgments(dataset_settings(instructed(tmp_path, "battery")), tmp_path / "x.xlsx")
    read = load_dataset({"source": "tables", "pairs": {"path": str(tmp_path / "x.xlsx")}})
    assert {query.query_id: query.instruction for query in read.queries} == {
        "1-og": "",
        "1-changed": "Only manuals.",
    }


def test_a_csv_says_that_it_has_no_instructions(tmp_path: Path) -> None:
    """Quepid has no place for them; the next step names the table of queries that the texts need."""
    done = evalkit(
        "dataset", "export", json.dumps(instructed(tmp_path, "charger")), tmp_path / "x.csv", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "1 instruction is not in it" in done.stdout
    assert "RUN --queries QUERIES" in done.stdout
