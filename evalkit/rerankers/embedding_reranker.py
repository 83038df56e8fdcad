"""Rerankers that embed queries and documents apart: what they have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

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
    """Embeds every distinct text once, and compares queries with documents.

    Parameters
    ----------
    model
        In memory.
    engines
        What embeds queries, and what embeds documents.
    """

    pointwise = True
    score_kind: ClassVar[ScoreKind]

    def __init__(self, model: OpenModel, engines: Mapping[Role, Engine]) -> None:
        self._model, self._engines = model, engines
        self._known: dict[Role, EmbeddingCache] = {"query": EmbeddingCache(), "document": EmbeddingCache()}
        self.pool_pairs = engines["document"].pool_items

    @abstractmethod
    def compare(self, query: Embedded, documents: Sequence[Embedded]) -> NDArray[np.float64]:
        """Return ``(n,)`` the scores of some documents for a query."""

    def score(self, request: RerankRequest) -> RerankResponse:
        """Return the score of every document."""
        return self.score_many([request])[0]

    def score_many(self, requests: Sequence[RerankRequest]) -> list[RerankResponse]:
        """Return the scores of several requests; a text that stands in many is embedded once."""
        queries, read = self._all("query", [request.query for request in requests])
        documents, written = self._all("document", [text for r in requests for text in r.documents])
        times = times_of(*read, *written) if len(requests) == 1 else ()
        return [
            self._response(queries[r.query], [documents[text] for text in r.documents], times)
            for r in requests
        ]

    def score_pairs(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Return ``(n,)`` scores of query-document pairs."""
        queries, _ = self._all("query", [query for query, _ in pairs])
        documents, _ = self._all("document", [document for _, document in pairs])
        scores = [self.compare(queries[query], [documents[document]]) for query, document in pairs]
        return np.concatenate(scores) if scores else np.empty(0)

    def measure(self, pairs: Sequence[tuple[str, str]]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return ``(n,)`` the tokens of each pair that it would read, and whether it would cut any off."""
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

    def _all(self, role: Role, texts: Sequence[str]) -> tuple[dict[str, Embedded], list[Encoded]]:
        """Return every distinct text embedded, and what the engine had to do for it."""
        cache = self._known[role]
        found = {text: cache[text] for text in texts if text in cache}
        new = list(dict.fromkeys(text for text in texts if text not in found))
        if not new:
            return found, []
        encoded = self._engines[role].run(new)
        return found | dict(zip(new, _each(encoded), strict=True)), [encoded]

    def portions(self, requests: Iterable[RerankRequest]) -> Iterator[Portion]:
        """Yield the distinct texts of some requests that are not kept yet, as many as are embedded at once."""
        texts: dict[Role, dict[str, None]] = {"query": {}, "document": {}}
        for request in requests:
            texts["query"][request.query] = None
            texts["document"].update(dict.fromkeys(request.documents))
        for role, distinct in texts.items():
            new = [text for text in distinct if text not in self._known[role]]
            for start in range(0, len(new), self.pool_pairs):
                yield Portion(role, tuple(new[start : start + self.pool_pairs]))

    def embed(self, portion: Portion) -> list[Embedded]:
        """Embed the texts of a portion."""
        return list(_each(self._engines[portion.role].run(portion.texts)))

    def keep(self, portion: Portion, embedded: Sequence[Embedded]) -> None:
        """Keep what became of a portion, until it is forgotten."""
        for text, one in zip(portion.texts, embedded, strict=True):
            self._known[portion.role][text] = one

    def forget(self) -> None:
        """Drop what was kept."""
        for cache in self._known.values():
            cache.clear()

    def facts(self) -> dict[str, Any]:
        """Return what the model runs on."""
        return pool_facts(self._engines["document"].facts(), self._model.card.rules.max_length)

    def close(self) -> None:
        """Drop what was kept; the model goes with this object."""
        self.forget()


def _each(encoded: Encoded) -> Iterator[Embedded]:
    for row, tokens, truncated in zip(encoded.rows, encoded.tokens, encoded.truncated, strict=True):
        yield Embedded(np.asarray(row, dtype=np.float32), int(tokens), bool(truncated))
