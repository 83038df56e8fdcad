"""Exact search among vectors: every product is computed, block by block, within bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 64 * 1024 * 1024
"""Vectors of documents in memory at once; the products with `_TOGETHER` queries take as much again, or less."""
_TOGETHER = 128


class Nearest:
    """The best documents of one query among those that were seen.

    Documents that tie with the last of them are chosen by doc_id, descending, as everywhere.

    Parameters
    ----------
    depth
        Documents kept.
    doc_ids
        ``(d,)`` of all documents.

    Attributes
    ----------
    rows, scores
        ``(n,)`` of the documents, in no order.
    """

    def __init__(self, depth: int, doc_ids: Sequence[str]) -> None:
        self._depth, self._doc_ids = depth, doc_ids
        self._least = -np.inf
        self.rows = np.empty(0, dtype=np.int64)
        self.scores = np.empty(0, dtype=np.float32)

    def see(self, first: int, scores: NDArray[np.float32]) -> None:
        """Take the scores of some documents into account.

        Parameters
        ----------
        first
            Row of the first of them.
        scores
            ``(b,)`` of these.
        """
        near = np.flatnonzero(scores >= self._least)
        self.rows = np.concatenate([self.rows, near + first])
        self.scores = np.concatenate([self.scores, scores[near]])
        if len(self.rows) >= self._depth:
            self._cut()

    def _cut(self) -> None:
        self._least = float(np.partition(self.scores, -self._depth)[-self._depth])
        above, tied = np.flatnonzero(self.scores > self._least), np.flatnonzero(self.scores == self._least)
        room = self._depth - len(above)
        if len(tied) > room:
            ids = {int(place): self._doc_ids[self.rows[place]] for place in tied}
            tied = np.array(sorted(ids, key=ids.__getitem__, reverse=True)[:room], dtype=np.int64)
        kept = np.concatenate([above, tied])
        self.rows, self.scores = self.rows[kept], self.scores[kept]


def search(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    nearest: Sequence[Nearest],
    told: Callable[[int], object],
    prepared: Callable[[NDArray[np.float32]], NDArray[np.float32]] = np.asarray,
    block_bytes: int = BLOCK_BYTES,
) -> None:
    """Show every document to every query.

    Parameters
    ----------
    vectors
        ``(d, dimension)`` of the documents, mapped from a file.
    queries
        ``(q, dimension)``.
    nearest
        ``(q,)`` what becomes of each query.
    told
        Called with the number of documents done, whenever some are.
    prepared
        What is done to vectors of documents before they are compared: `unit` for cosines.
    block_bytes
        See `BLOCK_BYTES`.
    """
    dimension = vectors.shape[1]
    rows = max(block_bytes // (4 * max(dimension, _TOGETHER)), 1)
    for first in range(0, len(vectors), rows):
        block = prepared(vectors[first : first + rows])
        for start in range(0, len(queries), _TOGETHER):
            products = queries[start : start + _TOGETHER] @ block.T
            for place, scores in enumerate(products, start):
                nearest[place].see(first, scores)
        told(len(block))


def exact(vectors: NDArray[np.float32], query: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return ``(n,)`` products in float64, each summed by itself: those of equal vectors are equal everywhere."""
    return np.asarray((vectors.astype(np.float64) * query).sum(axis=1))


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``(n, dimension)`` vectors of length 1, but for those that have none."""
    squares = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    lengths = np.sqrt(np.where(squares > 0, squares, 1.0)).astype(np.float32)
    return np.asarray(vectors / lengths[:, np.newaxis])
