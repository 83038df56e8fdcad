"""Datasets in a few words, and what the checks find in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalkit.dataset_checks import CheckInput, DataFinding
from evalkit.metrics import parse_metrics
from evalkit.records import Corpus, Dataset, DatasetOrigin, Qrels, Query, Run


def dataset(
    documents: Mapping[str, str],
    queries: Mapping[str, str],
    qrels: Mapping[str, Mapping[str, float]],
    **origin: Any,
) -> Dataset:
    """Return a dataset that was never in a file."""
    facts: dict[str, Any] = {
        "source": "none",
        "location": "nowhere",
        "language": "english",
        "split": None,
        "template": "",
        "content_hash": "",
        "counts": {},
        "sample": None,
        "exclude_same_id": True,
    }
    corpus = Corpus(tuple(documents), tuple(documents.values()))
    asked = tuple(Query(query_id, text) for query_id, text in queries.items())
    return Dataset("tiny", corpus, asked, Qrels(qrels), DatasetOrigin(**facts | origin))


def candidates(lists: Mapping[str, Sequence[str]]) -> Run:
    """Return a run that holds these lists in this order."""
    rows = [(q, d, float(-rank)) for q, docs in lists.items() for rank, d in enumerate(docs)]
    return Run.from_rows("bm25", [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])


def check_input(
    data: Dataset,
    lists: Mapping[str, Sequence[str]] | None = None,
    metrics: Sequence[str] = ("nDCG@10", "MRR@10"),
    depth: int = 10,
) -> CheckInput:
    """Return what the checks look at."""
    run = None if lists is None else candidates(lists)
    return CheckInput.of(data, parse_metrics(metrics), depth, run)


def by_code(findings: Iterator[DataFinding] | Sequence[DataFinding]) -> dict[str, DataFinding]:
    """Return findings by their code, of which each stands there once."""
    found = list(findings)
    named = {finding.code: finding for finding in found}
    assert len(named) == len(found)
    return named


WORDS = "the quick brown fox jumps over the lazy dog near the old river bank at noon"
DOCUMENTS = {
    "d1": WORDS,
    "d2": "another text about cats and mice",
    "d3": "a third one about the sea and ships",
}
QUERIES = {"q1": "what does the fox do", "q2": "where are the ships"}
QRELS = {"q1": {"d1": 2, "d2": 0}, "q2": {"d3": 1, "d2": 0}}
CLEAN = dataset(DOCUMENTS, QUERIES, QRELS)
LISTS = {"q1": ["d1", "d2", "d3"], "q2": ["d3", "d2", "d1"]}
