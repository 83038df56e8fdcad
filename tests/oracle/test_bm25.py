"""BM25 on a real collection beside its published figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.config import validate_block
from evalkit.datasets import load_dataset
from evalkit.metrics import evaluate, parse_metrics
from evalkit.retrievers import open_retriever, retrieve_candidates


def test_scifact_is_in_the_published_range(test_data: Path) -> None:
    """With no setting changed, SciFact lies within .015 (nDCG@10) and .020 (R@100) of Anserini's figures."""
    dataset = load_dataset({"source": "beir_folder", "path": str(test_data / "collections" / "scifact")})
    retriever = open_retriever(validate_block("retriever kind", {"kind": "bm25"}), dataset)  # type: ignore[arg-type]
    values = evaluate(
        retrieve_candidates(retriever, dataset, 100), dataset.qrels, parse_metrics(["nDCG@10", "R@100"])
    )
    ndcg, recall = values.values.mean(axis=0)
    assert len(values.query_ids) == 300
    assert ndcg == pytest.approx(0.679, abs=0.015)
    assert recall == pytest.approx(0.925, abs=0.020)
