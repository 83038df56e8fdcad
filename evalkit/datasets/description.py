"""Describe a dataset by counts and text lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from evalkit.records import Dataset


def describe(dataset: Dataset) -> dict[str, Any]:
    """Return counts, text lengths and origin of a dataset as JSON values; unknown values are None."""
    origin, candidates = dataset.origin, dataset.candidates
    grades = Counter(grade for docs in dataset.qrels.grades.values() for grade in docs.values())
    return {
        "dataset": dataset.name,
        "source": origin.source,
        "location": origin.location,
        "split": origin.split,
        "revision": origin.revision,
        "licence": origin.licence,
        "language": origin.language,
        **origin.counts,
        "grades": {str(grade): grades[grade] for grade in sorted(grades)},
        "listed_candidates": None if candidates is None else len(candidates),
        "document_characters": _lengths(dataset.corpus.texts),
        "query_characters": _lengths(query.text for query in dataset.queries),
        "content_hash": origin.content_hash,
    }


def _lengths(texts: Iterable[str]) -> dict[str, int]:
    """Return the median, the 95th percentile and the maximum of text lengths in characters."""
    lengths = np.fromiter(map(len, texts), dtype=np.int64)
    median, p95 = np.quantile(lengths, [0.5, 0.95], method="inverted_cdf")
    return {"p50": int(median), "p95": int(p95), "longest": int(lengths.max())}
