"""A bi-encoder as a reranker: cosine of query and document embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding import open_model
from evalkit.rerankers.embedding_cache import Embedded
from evalkit.rerankers.embedding_reranker import EmbeddingReranker, EmbeddingSettings


class BiEncoder(EmbeddingReranker):
    """A model that embeds texts (hub id or local folder); the score is the cosine (extra: local)."""

    score_kind = "cosine"

    class Settings(EmbeddingSettings):
        """Settings of `bi_encoder`: those of every local model that embeds."""

        backend: Literal["bi_encoder"] = "bi_encoder"

    def __init__(self, settings: Settings) -> None:
        model = open_model(settings.of_kind("bi_encoder"))
        prompts = settings.prompts(model.card.prompts)
        super().__init__(model, {role: model.engine(prompt) for role, prompt in prompts.items()})

    def compare(self, query: Embedded, documents: Sequence[Embedded]) -> NDArray[np.float64]:
        """Return ``(n,)`` cosines.

        Each row is summed on its own: in a matrix product the last bits of a row depend on its position.
        """
        (query_vector,) = _unit(query.vector[np.newaxis])
        return np.asarray((_unit(np.stack([one.vector for one in documents])) * query_vector).sum(axis=1))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return ``(n, dimension)`` vectors scaled to length 1; zero vectors stay zero."""
    exact = vectors.astype(np.float64)
    norms = np.linalg.norm(exact, axis=1, keepdims=True)
    return np.asarray(exact / np.where(norms > 0, norms, 1.0))
