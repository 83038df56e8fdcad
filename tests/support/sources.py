"""The tiny collection in every form that a source of datasets reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from evalkit.datasets import load_dataset
from evalkit.records import Dataset
from support.collections import DOCUMENTS, QRELS, QUERIES

ROWS = [(q, d, grade) for q, docs in QRELS.items() for d, grade in docs.items()]


def same(dataset: Dataset, folder: Path) -> bool:
    """Return whether a dataset holds what the tiny folder holds."""
    return dataset.origin.content_hash == load_dataset(beir(folder)).origin.content_hash


def beir(path: Path, /, **settings: Any) -> dict[str, Any]:
    """Return the block of a BEIR folder."""
    return {"source": "beir_folder", "path": str(path), **settings}


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


def pair_table(path: Path, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Write judged pairs as CSV; return the block."""
    pd.DataFrame(rows).to_csv(path, index=False)
    return {"source": "tables", "pairs": {"path": str(path)}}


JUDGED = [
    {"query": "cat", "document": "a cat", "label": 2},
    {"query": "cat", "document": "a dog", "label": 0},
    {"query": "dog", "document": "a dog", "label": 1},
]
