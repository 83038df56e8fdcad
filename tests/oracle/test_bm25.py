"""BM25 on real collections: beside published figures, and beside bm25s."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.bm25 import plain_search, scores_of, scores_of_bm25s

from evalkit.config import validate_block
from evalkit.datasets import load_dataset
from evalkit.metrics import evaluate, parse_metrics
from evalkit.retrievers import open_retriever, retrieve_candidates
from evalkit.retrievers.bm25 import Bm25, rank_ids
from evalkit.retrievers.bm25_counts import count
from evalkit.retrievers.bm25_scores import score
from evalkit.retrievers.bm25_search import search
from evalkit.stats import mean_interval
from evalkit.text_analysis import Analyzer


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


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("scifact", "english"),
        ("xquad/de", "german"),
        ("xquad/ar", "arabic"),
        ("xquad/zh", "chinese"),
        ("cranfield", "english"),
    ],
)
def test_every_score_is_that_of_bm25s(test_data: Path, name: str, language: str) -> None:
    """Bit for bit, of every term in every document; and lists are what summing and sorting all of them gives."""
    source = {"source": "beir_folder", "path": str(test_data / "collections" / name), "language": language}
    dataset = load_dataset(source)
    analyzer = Analyzer(language)
    counts = count(dataset.corpus.texts, analyzer)
    index = score(counts, counts.statistics, 0.9, 0.4)
    theirs = scores_of_bm25s(analyzer.all_terms(dataset.corpus.texts), 0.9, 0.4)
    assert scores_of(index) == theirs
    ranks = rank_ids(dataset.corpus.doc_ids)
    asked = [analyzer.terms(query.text) for query in dataset.queries[:50]]
    for terms, (found, scores) in zip(asked, search(index, ranks, asked, 100), strict=True):
        expected = plain_search(theirs, ranks.tolist(), terms, 100)
        assert list(zip(found.tolist(), scores.tolist(), strict=True)) == expected


@pytest.mark.parametrize(
    ("name", "language", "least"), [("xquad/ar", "arabic", 0.03), ("xquad/zh", "chinese", 0.8)]
)
def test_a_language_of_its_own_finds_more(test_data: Path, name: str, language: str, least: float) -> None:
    """Stems of Arabic and pairs of Chinese characters beat words of English, and their interval says so."""
    gained = (ndcg(test_data, name, language) - ndcg(test_data, name, "english")).ravel()
    assert len(gained) == 1190
    lower = mean_interval(gained).lower
    assert lower is not None
    assert lower > least


def ndcg(test_data: Path, name: str, language: str) -> NDArray[np.float64]:
    """Return nDCG@10 of BM25 for each query of a collection, read in some language."""
    source = {"source": "beir_folder", "path": str(test_data / "collections" / name), "language": language}
    dataset = load_dataset(source)
    retriever = Bm25(Bm25.Settings(), dataset)
    return evaluate(
        retrieve_candidates(retriever, dataset, 10), dataset.qrels, parse_metrics(["nDCG@10"])
    ).values
