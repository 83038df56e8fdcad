"""Compute BM25 scores from term counts: Lucene's variant, with the arithmetic of bm25s."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalkit.formats.arrow_names import text_array
from evalkit.retrievers.bm25_counts import THREADS, Statistics, TermCounts
from evalkit.retrievers.bm25_tokens import numbers

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK = 1 << 18
"""Scores computed at once; more if a single term occurs in more documents."""


@dataclass(frozen=True, slots=True, eq=False)
class Bm25Index:
    """Term scores as a sparse matrix in compressed columns, one column per term.

    Attributes
    ----------
    terms
        ``(t,)`` term of each column, in ascending order: an Arrow array of large strings.
    indptr
        ``(t + 1,)`` column ``c`` is ``rows[indptr[c]:indptr[c + 1]]``, with the same slice of `scores`.
    rows
        ``(p,)`` documents that contain the term, ascending within a column.
    scores
        ``(p,)`` float32 score of the term in the document.
    peaks
        ``(t,)`` largest score of each column.
    """

    terms: pa.Array
    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    peaks: NDArray[np.float32]

    def columns(self, terms: Iterable[str]) -> dict[str, int]:
        """Return term -> column for the terms that the index contains, in one pass over the index's terms."""
        import pyarrow as pa
        from pyarrow import compute

        wanted = sorted(set(terms))
        indices = compute.index_in(self.terms, value_set=text_array(wanted).cast(pa.large_string()))
        columns = numbers(compute.indices_nonzero(indices.is_valid()))
        return {wanted[i]: c for i, c in zip(indices.drop_null().to_pylist(), columns.tolist(), strict=True)}


def score(counts: TermCounts, statistics: Statistics, k1: float, b: float) -> Bm25Index:
    """Return the index of documents of a corpus.

    The score is ``log(1 + (N - n + .5) / (n + .5)) * f / (f + k1 (1 - b + b l / L))`` for a term that occurs in `n` of
    `N` documents, and `f` times in this document of length `l`; `L` is the mean length (Kamphuis et al., "Which BM25 Do
    You Mean?", ECIR 2020). The first factor is rounded to float32; the product is computed in float64 and rounded to
    float32. The scores are those of bm25s, bit for bit.

    Parameters
    ----------
    counts
        Term counts of the documents.
    statistics
        Statistics of the whole corpus; they contain every term of `counts`.
    k1, b
        Saturation of term frequency, and strength of length normalisation.
    """
    idf = _idf(counts, statistics)
    # Avoid a division by 0 in a corpus without documents or terms.
    mean_length = max(statistics.occurrences, 1) / max(statistics.documents, 1)
    norms = k1 * ((1 - b) + b * counts.lengths / mean_length)
    scores = np.empty(len(counts.rows), dtype=np.float32)

    def fill(columns: tuple[int, int]) -> None:
        first, last = columns
        block = slice(counts.indptr[first], counts.indptr[last])
        factors = np.repeat(idf[first:last], np.diff(counts.indptr[first : last + 1]))
        frequency = counts.counts[block].astype(np.float64)
        scores[block] = factors * (frequency / (norms[counts.rows[block]] + frequency))

    with ThreadPoolExecutor(THREADS) as pool:
        deque(pool.map(fill, pairwise(_edges(counts.indptr))), maxlen=0)
    peaks = np.maximum.reduceat(scores, counts.indptr[:-1])
    return Bm25Index(counts.terms, counts.indptr, counts.rows, scores, peaks)


def _idf(counts: TermCounts, statistics: Statistics) -> NDArray[np.float32]:
    """Return the ``(t,)`` inverse document frequency of each column's term."""
    from pyarrow import compute

    indices = compute.index_in(counts.terms, value_set=statistics.terms)
    distinct, inverse = np.unique(statistics.frequencies[numbers(indices)], return_inverse=True)
    # Use the C library's logarithm, as bm25s does: numpy's can differ in the last bit.
    logs = [math.log(1 + (statistics.documents - n + 0.5) / (n + 0.5)) for n in distinct.tolist()]
    return np.array(logs, dtype=np.float32)[inverse]


def _edges(indptr: NDArray[np.int64]) -> list[int]:
    """Return the column indices that divide the columns into blocks of about `_BLOCK` scores, with both ends."""
    starts = np.searchsorted(indptr, np.arange(0, indptr[-1], _BLOCK))
    edges: list[int] = np.unique([0, *starts, len(indptr) - 1]).tolist()
    return edges
