"""Datasets of the ir_datasets catalogue."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from support.collections import DOCUMENTS, QRELS, QUERIES
from support.messages import said
from support.sources import ROWS, beir, same

from evalkit.datasets import irds, load_dataset
from evalkit.errors import MissingExtraError


def test_ir_datasets_are_read_by_id(tmp_path: Path, beir_folder: Path) -> None:
    """A collection of the catalogue is what its files are; an unknown id is reported with the nearest."""
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


class Query(NamedTuple):
    """A query as a collection with instructions has it."""

    query_id: str
    text: str
    instruction: str | None

    def default_text(self) -> str:
        """Return the text that is searched for."""
        return self.text


class Collection:
    """A collection with a query that has an instruction, one that has none, and an excluded document."""

    def has_docs(self) -> bool:
        """Return True, like the two methods below."""
        return True

    has_queries = has_qrels = has_docs

    def has_scoreddocs(self) -> bool:
        """Return False."""
        return False

    def docs_iter(self) -> Iterator[Any]:
        """Yield the documents."""
        for number in range(3):
            yield SimpleNamespace(doc_id=f"d{number}", title="", text=f"body {number}")

    def queries_iter(self) -> Iterator[Query]:
        """Yield the queries."""
        yield Query("q0", "body", "only old ones")
        yield Query("q1", "body", None)

    def qrels_iter(self) -> Iterator[Any]:
        """Yield the judgments."""
        for query_id, doc_id, grade in (("q0", "d0", 1), ("q0", "d1", -100), ("q1", "d1", 1)):
            yield SimpleNamespace(query_id=query_id, doc_id=doc_id, relevance=grade)


def test_instructions_and_exclusions_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A field ``instruction`` is that of the query; the grade -100 excludes a document."""
    monkeypatch.setattr(irds, "_open_collection", lambda _: Collection())
    monkeypatch.setattr(irds, "_stamp", lambda *_: None)
    monkeypatch.setattr(irds, "why_unreachable", lambda _: None)
    dataset = load_dataset({"source": "ir_datasets", "id": "x/test"})
    assert [(query.instruction, query.fields) for query in dataset.queries] == [
        ("only old ones", {}),
        ("", {}),
    ]
    assert dataset.excluded == {"q0": frozenset({"d1"})}
    assert dataset.qrels.grades == {"q0": {"d0": 1}, "q1": {"d1": 1}}


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, the source says what to install."""
    monkeypatch.setitem(sys.modules, "ir_datasets", None)
    with pytest.raises(MissingExtraError, match="not installed") as caught:
        load_dataset({"source": "ir_datasets", "id": "x/test"})
    assert "rerank-evalkit[ir_datasets]" in (caught.value.hint or "")


def test_without_a_network_a_download_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says so; what is cached is read as ever, and the settings of the package are restored."""
    monkeypatch.setattr(irds, "why_unreachable", lambda _: "timeout")
    monkeypatch.setenv("IR_DATASETS_DL_TIMEOUT", "60")
    tries: list[str | None] = []

    def download() -> Iterator[int]:
        tries.append(os.environ.get("IR_DATASETS_DL_TRIES"))
        yield 1
        raise OSError("Max retries exceeded")

    rows = irds._iterate(download, "ir_datasets:x")
    assert next(rows) == 1
    assert (
        "ir_datasets:x is not in the cache, and https://mirror.ir-datasets.com cannot be reached (timeout)"
        in said(lambda: next(rows))
    )
    assert tries == ["1"]
    assert "IR_DATASETS_DL_TRIES" not in os.environ
    assert os.environ["IR_DATASETS_DL_TIMEOUT"] == "60"
