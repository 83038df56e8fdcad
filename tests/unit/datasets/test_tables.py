"""Collections in tables: columns are named, or have usual names."""

from __future__ import annotations

from pathlib import Path

from support.messages import said
from support.sources import same, tables

from evalkit.datasets import load_dataset


def test_tables_with_columns_named_are_the_same_collection(beir_folder: Path, tmp_path: Path) -> None:
    """Parquet, JSON Lines and CSV with names of their own, grades in words: what the BEIR folder gives."""
    block = tables(tmp_path)
    assert same(load_dataset(block), beir_folder)
    shouted = {**block["qrels"]["grades"], "Exact": 3}
    del shouted["exact"]
    reported = said(lambda: load_dataset({**block, "qrels": {**block["qrels"], "grades": shouted}}))
    assert "has the grade 'exact'" in reported
    assert "did you mean 'Exact'? white space and case are significant" in reported
    odd = {**block, "corpus": {**block["corpus"], "text": "bodi"}}
    assert "row 1 has no column 'bodi'\n  hint: use one of its columns: sku, name, body" in said(
        lambda: load_dataset(odd)
    )
    odd = {**block, "qrels": {**block["qrels"], "grades": {"exact": 3}}}
    assert "labels.csv:3 has the grade 'some'" in said(lambda: load_dataset(odd))
    odd = {**block, "qrels": {**block["qrels"], "grades": {}}}
    assert "map words to numbers" in said(lambda: load_dataset(odd))
    assert "needs either 'pairs', or" in said(
        lambda: load_dataset({"source": "tables", "corpus": block["corpus"]})
    )
