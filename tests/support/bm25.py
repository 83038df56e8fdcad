"""BM25 as bm25s computes it and as a plain sum and sort: what evalkit's has to equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import bm25s
import numpy as np

from evalkit.retrievers.bm25_scores import Bm25Index

Scores = dict[str, dict[int, float]]
"""Term -> row -> score."""


def scores_of_bm25s(documents: Sequence[Sequence[str]], k1: float, b: float) -> Scores:
    """Return every score of bm25s's index; it can build none without a term."""
    if not any(documents):
        return {}
    model: Any = bm25s.BM25(k1=k1, b=b, method="lucene")
    model.index([list(terms) for terms in documents], create_empty_token=False, show_progress=False)
    arrays = model.scores
    return {
        term: _column(arrays["indptr"], arrays["indices"], arrays["data"], column)
        for term, column in model.vocab_dict.items()
    }


def scores_of(index: Bm25Index) -> Scores:
    """Return every score of an index of ours."""
    return {
        term: _column(index.indptr, index.rows, index.scores, column)
        for column, term in enumerate(index.terms.to_pylist())
    }


def _column(indptr: Any, rows: Any, scores: Any, column: int) -> dict[int, float]:
    held = slice(indptr[column], indptr[column + 1])
    return dict(zip(rows[held].tolist(), scores[held].tolist(), strict=True))


def plain_search(
    scores: Mapping[str, Mapping[int, float]], id_ranks: Sequence[int], terms: Sequence[str], depth: int
) -> list[tuple[int, float]]:
    """Return id rank and score of the best: float64 sums in the order of terms, then one sort of everything."""
    sums = np.zeros(len(id_ranks))
    for term, times in sorted(Counter(terms).items()):
        for row, score in scores.get(term, {}).items():
            sums[row] += times * score
    found = [(rank, float(s)) for rank, s in zip(id_ranks, sums.tolist(), strict=True) if s > 0]
    return sorted(found, key=lambda one: (-one[1], -one[0]))[:depth]
