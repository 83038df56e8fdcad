"""Exact nearest-neighbour search: compute all similarities, block by block, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding import Similarity

BLOCK_BYTES = 64 * 1024 * 1024
"""Size of the document vectors in memory at once; their products with a batch of queries are not larger."""
_QUERIES_PER_BATCH = 128


class Nearest:
    """The best documents of one query among the documents so far.

    Ties at the last place are resolved by doc_id, descending, as in all runs.

    Parameters
    ----------
    depth
        Number of documents to keep.
    doc_ids
        ``(d,)`` ids of all documents.

    Attributes
    ----------
    rows, scores
        ``(n,)`` rows and scores of the best documents, unordered.
    """

    def __init__(self, depth: int, doc_ids: Sequence[str]) -> None:
        self._depth, self._doc_ids = depth, doc_ids
        self._threshold = -np.inf
        self.rows = np.empty(0, dtype=np.int64)
        self.scores: NDArray[Any] = np.empty(0, dtype=np.float32)

    def update(self, first: int, scores: NDArray[Any]) -> None:
        """Add the scores of a block of documents.

        Parameters
        ----------
        first
            Row of the first document.
        scores
            ``(b,)`` scores of consecutive documents.
        """
        candidates = np.flatnonzero(scores >= self._threshold)
        self.rows = np.concatenate([self.rows, candidates + first])
        self.scores = np.concatenate([self.scores, scores[candidates]])
        if len(self.rows) >= self._depth:
            self._cut()

    def _cut(self) -> None:
        self._threshold = float(np.partition(self.scores, -self._depth)[-self._depth])
        above = np.flatnonzero(self.scores > self._threshold)
        tied = np.flatnonzero(self.scores == self._threshold)
        missing = self._depth - len(above)
        if len(tied) > missing:
            ids = {int(index): self._doc_ids[self.rows[index]] for index in tied}
            tied = np.array(sorted(ids, key=ids.__getitem__, reverse=True)[:missing], dtype=np.int64)
        keep = np.concatenate([above, tied])
        self.rows, self.scores = self.rows[keep], self.scores[keep]


def search(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    nearest: Sequence[Nearest],
    on_progress: Callable[[int], object],
    similarity: Similarity = "dot",
    lengths: NDArray[np.float32] | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> None:
    """Update the nearest documents of each query with the scores of all documents.

    Parameters
    ----------
    vectors
        ``(d, dimension)`` document vectors, usually memory-mapped.
    queries
        ``(q, dimension)`` query vectors.
    nearest
        ``(q,)`` the object to update for each query.
    on_progress
        Called after each block with its number of documents.
    similarity
        Similarity of two vectors. The scores are in its order; `similarities` returns its values.
    lengths
        ``(d,)`` `lengths_of` the document vectors, for the cosine alone.
    block_bytes
        See `BLOCK_BYTES`.
    """
    dimension = vectors.shape[1]
    block_rows = max(block_bytes // (4 * max(dimension, _QUERIES_PER_BATCH)), 1)
    for first in range(0, len(vectors), block_rows):
        part = slice(first, first + block_rows)
        block = vectors[part]
        for start, scores in _compare(queries, block, similarity, None if lengths is None else lengths[part]):
            for query, row in enumerate(scores, start):
                nearest[query].update(first, row)
        on_progress(len(block))


def _compare(
    queries: NDArray[np.float32],
    block: NDArray[np.float32],
    similarity: Similarity,
    lengths: NDArray[np.float32] | None,
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield the first row of each batch of queries, and ``(q, b)`` scores of a block of documents.

    Distances are computed in float64: in float32, those of vectors that are long and near each other vanish.
    """
    if similarity == "manhattan":
        for start, query in enumerate(queries):
            yield start, -np.abs(block - query).sum(axis=1, dtype=np.float64)[np.newaxis]
        return
    half_squares = None
    if similarity == "cosine":
        queries = queries / lengths_of(queries)[:, np.newaxis]
    if similarity == "euclidean":
        queries, block = queries.astype(np.float64), block.astype(np.float64)
        half_squares = np.einsum("ij,ij->i", block, block) / 2
    for start in range(0, len(queries), _QUERIES_PER_BATCH):
        scores = queries[start : start + _QUERIES_PER_BATCH] @ block.T
        if lengths is not None:
            scores /= lengths
        if half_squares is not None:
            scores -= half_squares
        yield start, scores


def lengths_of(vectors: NDArray[np.float32], block_bytes: int = BLOCK_BYTES) -> NDArray[np.float32]:
    """Return ``(n,)`` lengths of ``(n, dimension)`` vectors, read in blocks; 1 for zero vectors."""
    block_rows = max(block_bytes // (4 * vectors.shape[1]), 1)
    lengths = np.empty(len(vectors), dtype=np.float32)
    for first in range(0, len(vectors), block_rows):
        block = vectors[first : first + block_rows]
        squares = np.einsum("ij,ij->i", block, block, dtype=np.float64)
        lengths[first : first + block_rows] = np.sqrt(np.where(squares > 0, squares, 1.0))
    return lengths
