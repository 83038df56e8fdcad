"""Similarities of two vectors."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Similarity = Literal["cosine", "dot", "euclidean", "manhattan"]
"""Names of similarities in sentence-transformers. The last two are negative distances."""


def similarities(
    query: NDArray[np.float32], documents: NDArray[np.float32], similarity: Similarity
) -> NDArray[np.float64]:
    """Return ``(n,)`` similarities of documents to a query, computed in float64.

    Each row is summed on its own: in a matrix product the last bits of a row depend on its position.

    ==========  ==========================================================
    cosine      ``q . d / (|q| |d|)``; 0 if either vector is zero
    dot         ``q . d``
    euclidean   ``-sqrt(sum((d - q)^2))``
    manhattan   ``-sum(|d - q|)``
    ==========  ==========================================================

    Parameters
    ----------
    query, documents
        ``(dimension,)`` and ``(n, dimension)`` vectors.
    """
    one, many = query.astype(np.float64), documents.astype(np.float64)
    if similarity == "euclidean":
        return np.asarray(-np.sqrt(((many - one) ** 2).sum(axis=1)))
    if similarity == "manhattan":
        return np.asarray(-np.abs(many - one).sum(axis=1))
    if similarity == "cosine":
        (one,), many = _unit(one[np.newaxis]), _unit(many)
    return np.asarray((many * one).sum(axis=1))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``(n, dimension)`` vectors scaled to length 1; zero vectors stay zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 0, norms, 1.0))
