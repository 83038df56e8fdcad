"""From counts to BM25 scores: Lucene's variant, in the arithmetic of bm25s."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalkit.retrievers.bm25_counts import Statistics, TermCounts

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK = 1 << 20
"""Scores computed at once, but for a term that stands in more documents."""


@dataclass(frozen=True, slots=True, eq=False)
class Bm25Index:
    """Term scores in compressed columns.

    Attributes
    ----------
    terms
        ``(t,)`` the term of each column, in ascending order: an Arrow array of large strings.
    indptr
        ``(t + 1,)`` column ``c`` is ``rows[indptr[c]:indptr[c + 1]]``, with its scores.
    rows
        ``(p,)`` documents that hold the term, ascending within a column.
    scores
        ``(p,)`` float32 score of the term in that document.
    peaks
        ``(t,)`` the largest score of each column.
    """

    terms: pa.Array
    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    peaks: NDArray[np.float32]

    def columns(self, terms: Iterable[str]) -> dict[str, int]:
        """Return the columns of those terms that have one, in one pass over the index's terms."""
        import pyarrow as pa
        from pyarrow import compute

        asked = sorted(set(terms))
        place = compute.index_in(self.terms, value_set=pa.array(asked, pa.large_string()))
        columns = np.flatnonzero(place.is_valid().to_numpy(zero_copy_only=False))
        return {asked[i]: c for i, c in zip(place.drop_null().to_pylist(), columns.tolist(), strict=True)}


def score(counts: TermCounts, statistics: Statistics, k1: float, b: float) -> Bm25Index:
    """Return the index of some documents of a corpus.

    ``log(1 + (N - n + .5) / (n + .5)) * f / (f + k1 (1 - b + b l / L))``: a term in `n` of `N` documents stands
    `f` times in one of length `l`, `L` being the mean (Kamphuis et al., "Which BM25 Do You Mean?", ECIR 2020). The
    first factor is rounded to float32, the product is one of float64 and rounded then: bm25s's scores, bit for bit.

    Parameters
    ----------
    counts
        Of these documents.
    statistics
        Of the whole corpus; they hold every term of the counts.
    k1, b
        Saturation of term frequency and strength of length normalisation.
    """
    idf = _idf(counts, statistics)
    # A corpus without a term has nothing to score, and no mean to divide by.
    mean = max(statistics.occurrences, 1) / max(statistics.documents, 1)
    norms = k1 * ((1 - b) + b * counts.lengths / mean)
    scores = np.empty(len(counts.rows), dtype=np.float32)
    for first, last in pairwise(_edges(counts.indptr)):
        block = slice(counts.indptr[first], counts.indptr[last])
        factors = np.repeat(idf[first:last], np.diff(counts.indptr[first : last + 1]))
        frequency = counts.counts[block].astype(np.float64)
        scores[block] = factors * (frequency / (norms[counts.rows[block]] + frequency))
    peaks = np.maximum.reduceat(scores, counts.indptr[:-1])
    return Bm25Index(counts.terms, counts.indptr, counts.rows, scores, peaks)


def _idf(counts: TermCounts, statistics: Statistics) -> NDArray[np.float32]:
    """Return the weight of each column's term."""
    from pyarrow import compute

    places = compute.index_in(counts.terms, value_set=statistics.terms).to_numpy()
    known, place = np.unique(statistics.frequencies[places], return_inverse=True)
    # The C library's logarithm, as bm25s takes it; numpy's may differ in the last bit.
    logs = [math.log(1 + (statistics.documents - n + 0.5) / (n + 0.5)) for n in known.tolist()]
    return np.array(logs, dtype=np.float32)[place]


def _edges(indptr: NDArray[np.int64]) -> list[int]:
    """Return columns between which about a block of scores lies, the first and the end included."""
    starts = np.searchsorted(indptr, np.arange(0, indptr[-1], _BLOCK))
    edges: list[int] = np.unique([0, *starts, len(indptr) - 1]).tolist()
    return edges
