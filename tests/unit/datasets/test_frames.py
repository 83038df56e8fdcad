"""Datasets from pandas frames."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from support.collections import DOCUMENTS, QUERIES
from support.messages import said
from support.sources import JUDGED, ROWS, same

from evalkit.datasets import dataset_from_frames, dataset_from_pairs


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
    bad = qrels.assign(relevance=[float("inf")] * len(qrels))
    assert "qrels, row 1 has the grade inf" in said(lambda: dataset_from_frames(corpus, asked, bad))
    assert dataset_from_pairs(pd.DataFrame(JUDGED)).origin.counts["judgments"] == 3
