"""A bi-encoder as a first stage: every document embedded once, then searched exactly."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from evalkit.cache import cache_folder, cache_key
from evalkit.config import RetrieverSettings
from evalkit.encoding import EmbeddingModel, Engine, deciding_facts, open_model
from evalkit.errors import CallError
from evalkit.records import Dataset, Query, Run
from evalkit.retrievers.dense_search import Nearest, exact, search, unit
from evalkit.retrievers.dense_vectors import kept_vectors

_FORMAT = 2
"""Part of the cache key: raise it when vectors change for the same model and texts."""


class Dense:
    """The documents nearest to a query by a bi-encoder (hub id or local folder), exactly (extra: local)."""

    class Settings(EmbeddingModel, RetrieverSettings):
        """Settings of `dense`, besides those of every local model that embeds.

        Attributes
        ----------
        similarity
            What compares two embeddings: ``cosine``, or ``dot`` for models that were trained for it.
        """

        kind: Literal["dense"] = "dense"
        similarity: Literal["cosine", "dot"] = "cosine"

    def __init__(self, settings: Settings, dataset: Dataset) -> None:
        self._settings = settings
        self._doc_ids = dataset.corpus.doc_ids
        told = settings.of_kind("bi_encoder")
        model = open_model(told)
        prompts = settings.prompts(model.card.prompts)
        self._queries = _Embedder(model.engine(prompts["query"]), settings.model)
        documents = _Embedder(model.engine(prompts["document"]), settings.model)
        corpus = dataset.corpus
        facts = [_FORMAT, deciding_facts(told), prompts["document"], corpus.content_hash()]
        folder = cache_folder() / "vectors" / cache_key(facts)
        self._vectors = kept_vectors(folder, corpus.texts, documents, documents.chunk, settings.label)
        if documents.truncated:
            tqdm.write(
                f"{settings.label}: {documents.truncated} documents are longer than the model reads:"
                " the rest of each is not in its vector",
                file=sys.stderr,
            )

    def retrieve(self, queries: Sequence[Query], depth: int) -> Run:
        """Return the `depth` nearest documents of each query."""
        alike = unit if self._settings.similarity == "cosine" else np.asarray
        asked = alike(self._queries([query.text for query in queries]))
        nearest = [Nearest(depth, self._doc_ids) for _ in queries]
        with tqdm(
            total=len(self._doc_ids), desc=f"{self._settings.label}: searching", unit="document", disable=None
        ) as progress:
            search(self._vectors, asked, nearest, progress.update, alike)
        scores = [
            exact(alike(self._vectors[found.rows]), one) for found, one in zip(nearest, asked, strict=True)
        ]
        return Run.from_rows(
            self._settings.label,
            [query.query_id for query, found in zip(queries, nearest, strict=True) for _ in found.rows],
            [self._doc_ids[row] for found in nearest for row in found.rows],
            np.concatenate([np.empty(0), *scores]),
        )


class _Embedder:
    """Embeds texts.

    Attributes
    ----------
    chunk
        Texts that are enough at once.
    truncated
        Texts so far that were longer than the model reads.
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
            If one does not fit into memory, or is not finite.
        """
        encoded = self._engine.run(list(texts))
        self.truncated += int(encoded.truncated.sum())
        vectors = np.stack(encoded.rows).astype(np.float32)
        if not np.isfinite(vectors).all():
            text = texts[int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])]
            raise CallError(
                "backend",
                f"the model {self._model!r} gives no finite vector for the text {text[:60]!r}",
                "use precision: fp32",
            )
        return vectors
