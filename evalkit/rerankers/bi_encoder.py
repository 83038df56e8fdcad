"""A bi-encoder as a reranker: similarity of query and document embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding import VectorModel, open_text_vectors, similarities
from evalkit.records import ScoreKind
from evalkit.rerankers.embedding_cache import Embedded
from evalkit.rerankers.embedding_reranker import EmbeddingReranker, EmbeddingSettings


class BiEncoder(EmbeddingReranker):
    """A model that embeds texts (hub id or local folder); the score is their similarity (extra: local)."""

    class Settings(VectorModel, EmbeddingSettings):
        """Settings of `bi_encoder`: those of every model with one vector per text."""

        backend: Literal["bi_encoder"] = "bi_encoder"

    def __init__(self, settings: Settings) -> None:
        self._vectors = open_text_vectors(settings)
        super().__init__(self._vectors.model, self._vectors.engines)

    @property
    def score_kind(self) -> ScoreKind:
        """``cosine``, or ``unbounded`` for other similarities."""
        return "cosine" if self._vectors.similarity == "cosine" else "unbounded"

    def compare(self, query: Embedded, documents: Sequence[Embedded]) -> NDArray[np.float64]:
        """Return ``(n,)`` similarities; each document's is independent of the others."""
        vectors = np.stack([one.vector for one in documents])
        return similarities(query.vector, vectors, self._vectors.similarity)

    def facts(self) -> dict[str, Any]:
        """Return runtime, device, threads, length limit, prompts and similarity."""
        return {**super().facts(), **self._vectors.facts()}
