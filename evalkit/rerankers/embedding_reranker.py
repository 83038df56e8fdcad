"""The base class of rerankers that embed queries and documents separately."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.encoding import EmbeddingModel, Encoded, Engine, OpenModel
from evalkit.records import RerankRequest, RerankResponse, ScoreKind, Usage
from evalkit.rerankers.base import Portion, Role
from evalkit.rerankers.embedding_cache import Embedded, EmbeddingCache
from evalkit.rerankers.local_model import LocalModelSettings, pool_facts, times_of


class EmbeddingSettings(EmbeddingModel, LocalModelSettings):
    """Settings of every reranker that embeds."""


class EmbeddingReranker(ABC):
    """Embeds every distinct text once, and scores documents by comparing embeddings.

    Parameters
    ----------
    model
        The model in memory.
    engines
        The engines that embed queries and documents.
    """

    pointwise = True

    def __init__(self, model: OpenModel, engines: Mapping[Role, Engine]) -> None:
        self._model, self._engines = model, engines
        self._caches: dict[Role, EmbeddingCache] = {"query": EmbeddingCache(), "document": EmbeddingCache()}
        self.pool_pairs = engines["document"].pool_items

    @property
    @abstractmethod
    def score_kind(self) -> ScoreKind:
        """What the scores mean."""

    @abstractmethod
    def compare(self, query: Embedded, documents: Sequence[Embedded]) -> NDArray[np.float64]:
        """Return ``(n,)`` scores of documents for a query."""

    def score(self, request: RerankRequest) -> RerankResponse:
        """Return the score of every document."""
        return self.score_many([request])[0]

    def score_many(self, requests: Sequence[RerankRequest]) -> list[RerankResponse]:
        """Return the scores of several requests; a text that occurs in several is embedded once."""
        queries, query_runs = self._embed_all("query", [request.instructed_query for request in requests])
        documents, document_runs = self._embed_all(
            "document", [text for r in requests for text in r.documents]
        )
        times = times_of(*query_runs, *document_runs) if len(requests) == 1 else ()
        return [
            self._response(queries[r.instructed_query], [documents[text] for text in r.documents], times)
            for r in requests
        ]

    def score_pairs(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Return ``(n,)`` scores of query-document pairs."""
        queries, _ = self._embed_all("query", [query for query, _ in pairs])
        documents, _ = self._embed_all("document", [document for _, document in pairs])
        scores = [self.compare(queries[query], [documents[document]]) for query, document in pairs]
        return np.concatenate(scores) if scores else np.empty(0)

    def measure(self, pairs: Sequence[tuple[str, str]]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return ``(n,)`` tokens that the model would read per pair, and whether the pair would be truncated."""
        queries, cut_queries = self._engines["query"].measure([query for query, _ in pairs])
        documents, cut_documents = self._engines["document"].measure([document for _, document in pairs])
        return queries + documents, cut_queries | cut_documents

    def _response(self, query: Embedded, documents: Sequence[Embedded], times: Any) -> RerankResponse:
        return RerankResponse(
            self.compare(query, documents) if documents else np.empty(0),
            usage=Usage(tokens=query.tokens + sum(one.tokens for one in documents)),
            server_times=times,
            truncated=np.array([one.truncated or query.truncated for one in documents], dtype=bool),
        )

    def _embed_all(self, role: Role, texts: Sequence[str]) -> tuple[dict[str, Embedded], list[Encoded]]:
        """Return text -> embedding, and the engine's run for the texts that were not cached, if there was one."""
        cache = self._caches[role]
        found = {text: cache[text] for text in texts if text in cache}
        new = list(dict.fromkeys(text for text in texts if text not in found))
        if not new:
            return found, []
        encoded = self._engines[role].run(new)
        return found | dict(zip(new, _embedded(encoded), strict=True)), [encoded]

    def portions(self, requests: Iterable[RerankRequest]) -> Iterator[Portion]:
        """Yield the distinct texts of the requests that are not cached, in portions of up to `pool_pairs`."""
        texts: dict[Role, dict[str, None]] = {"query": {}, "document": {}}
        for request in requests:
            texts["query"][request.instructed_query] = None
            texts["document"].update(dict.fromkeys(request.documents))
        for role, distinct in texts.items():
            new = [text for text in distinct if text not in self._caches[role]]
            for start in range(0, len(new), self.pool_pairs):
                yield Portion(role, tuple(new[start : start + self.pool_pairs]))

    def embed(self, portion: Portion) -> list[Embedded]:
        """Return the embedded texts of a portion."""
        return list(_embedded(self._engines[portion.role].run(portion.texts)))

    def keep(self, portion: Portion, embedded: Sequence[Embedded]) -> None:
        """Cache the embedded texts of a portion until `forget` is called."""
        for text, one in zip(portion.texts, embedded, strict=True):
            self._caches[portion.role][text] = one

    def forget(self) -> None:
        """Empty the caches."""
        for cache in self._caches.values():
            cache.clear()

    def facts(self) -> dict[str, Any]:
        """Return runtime, device, threads and length limit."""
        return pool_facts(self._engines["document"].facts(), self._model.card.rules.max_length)

    def close(self) -> None:
        """Empty the caches; the model is freed with this object."""
        self.forget()


def _embedded(encoded: Encoded) -> Iterator[Embedded]:
    for row, tokens, truncated in zip(encoded.rows, encoded.tokens, encoded.truncated, strict=True):
        yield Embedded(np.asarray(row, dtype=np.float32), int(tokens), bool(truncated))
