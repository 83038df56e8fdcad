"""The dense first stage: a bi-encoder embeds every document once; the search is exact."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.cache import cache_folder, cache_key
from evalkit.config import RetrieverSettings
from evalkit.encoding import Engine, VectorModel, deciding_facts, open_text_vectors, similarities
from evalkit.errors import CallError, EvalkitWarning
from evalkit.progress import progress_bar
from evalkit.records import Dataset, Query, Run
from evalkit.retrievers.dense_search import Nearest, search
from evalkit.retrievers.dense_vectors import cached_lengths, cached_vectors

_FORMAT = 3
"""Part of the cache key: increment it when vectors change for the same model and texts."""


class Dense:
    """Exact nearest neighbours by a bi-encoder (hub id or local folder; extra: local)."""

    class Settings(VectorModel, RetrieverSettings):
        """Settings of `dense`: those of every model with one vector per text."""

        kind: Literal["dense"] = "dense"

    def __init__(self, settings: Settings, dataset: Dataset) -> None:
        self._settings = settings
        self._doc_ids = dataset.corpus.doc_ids
        opened = open_text_vectors(settings)
        self._similarity = opened.similarity
        self._queries = _Embedder(opened.engines["query"], settings.model)
        documents = _Embedder(opened.engines["document"], settings.model)
        corpus = dataset.corpus
        facts = deciding_facts(settings.of_kind("bi_encoder"))
        parts = [_FORMAT, facts, opened.prompts["document"], opened.truncate_dim, corpus.content_hash()]
        key = cache_key(parts)
        folder = cache_folder() / "vectors" / key
        self._vectors = cached_vectors(folder, corpus.texts, documents, documents.chunk, settings.label)
        self._lengths = cached_lengths(folder, self._vectors) if self._similarity == "cosine" else None
        if documents.truncated:
            text = (
                f"{settings.label}: {documents.truncated} documents are longer than the model's limit."
                " Text past the limit was ignored."
            )
            warnings.warn(text, EvalkitWarning, stacklevel=2)

    def retrieve(self, queries: Sequence[Query], depth: int) -> Run:
        """Return the `depth` nearest documents of each query."""
        query_vectors = self._queries([query.text for query in queries])
        nearest = [Nearest(depth, self._doc_ids) for _ in queries]
        with progress_bar(
            total=len(self._doc_ids), desc=f"{self._settings.label}: searching", unit="document"
        ) as progress:
            search(self._vectors, query_vectors, nearest, progress.update, self._similarity, self._lengths)
        scores = [
            similarities(vector, self._vectors[found.rows], self._similarity)
            for found, vector in zip(nearest, query_vectors, strict=True)
        ]
        return Run.from_rows(
            self._settings.label,
            [query.query_id for query, found in zip(queries, nearest, strict=True) for _ in found.rows],
            [self._doc_ids[row] for found in nearest for row in found.rows],
            np.concatenate([np.empty(0), *scores]),
        )


class _Embedder:
    """Embeds texts and counts those that the model truncates.

    Attributes
    ----------
    chunk
        Number of texts that should be embedded at once.
    truncated
        Number of texts so far that were longer than the model's limit.
    """

    def __init__(self, engine: Engine, model: str) -> None:
        self._engine, self._model = engine, model
        self.chunk = engine.pool_items
        self.truncated = 0

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return ``(n, dimension)`` vectors.

        Raises
        ------
        CallError
            If a text does not fit into memory, or a vector is not finite.
        """
        encoded = self._engine.run(list(texts))
        self.truncated += int(encoded.truncated.sum())
        vectors = np.stack(encoded.rows).astype(np.float32)
        if not np.isfinite(vectors).all():
            text = texts[int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])]
            raise CallError(
                "backend",
                f"the model {self._model!r} returned a vector that is not finite for the text {text[:60]!r}",
                "use precision: fp32",
            )
        return vectors
