"""A bi-encoder as a reranker: cosine of query and document embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from evalkit.encoding import Encoded, Engine, open_model
from evalkit.records import RerankRequest, RerankResponse, Usage
from evalkit.rerankers.local_model import LocalModelSettings, pool_facts, times_of

DOCUMENT_PROMPTS = ("document", "passage", "corpus")
"""What sentence-transformers looks for, in this order."""


class BiEncoder:
    """A model that embeds texts (hub id or local folder); the score is the cosine (extra: local)."""

    pointwise = True
    score_kind = "cosine"

    class Settings(LocalModelSettings):
        """Settings of `bi_encoder`, besides those of every local model.

        Attributes
        ----------
        query_prompt, document_prompt
            Text put before every query and document; the model's own where absent, none where empty.
        """

        backend: Literal["bi_encoder"] = "bi_encoder"
        query_prompt: str | None = None
        document_prompt: str | None = None

    def __init__(self, settings: Settings) -> None:
        self._model = open_model(settings.model_settings("bi_encoder"))
        prompts = self._model.own.prompts
        query_prompt, document_prompt = settings.query_prompt, settings.document_prompt
        if query_prompt is None:
            query_prompt = prompts.get("query")
        if document_prompt is None:
            document_prompt = next((prompts[name] for name in DOCUMENT_PROMPTS if prompts.get(name)), None)
        self._queries = self._model.engine(query_prompt or None)
        self._documents = self._model.engine(document_prompt or None)
        self._prepared: dict[str, _Embedded] = {}
        self.pool_pairs = self._documents.pool_items

    def score(self, request: RerankRequest) -> RerankResponse:
        """Return the cosine of the query with every document."""
        return self.score_many([request])[0]

    def score_many(self, requests: Sequence[RerankRequest]) -> list[RerankResponse]:
        """Return the cosines of several requests; a text that stands in many is encoded once."""
        queries, read = _embed(self._queries, [request.query for request in requests])
        known = self._prepared
        new = [text for request in requests for text in request.documents if text not in known]
        fresh, written = _embed(self._documents, new)
        times = times_of(read, written) if len(requests) == 1 else ()
        responses = []
        for request in requests:
            query = queries[request.query]
            documents = [known.get(text) or fresh[text] for text in request.documents]
            scores = np.stack([one.vector for one in documents]) @ query.vector if documents else np.empty(0)
            responses.append(
                RerankResponse(
                    scores,
                    usage=Usage(tokens=query.tokens + sum(one.tokens for one in documents)),
                    server_times=times,
                    truncated=np.array([one.truncated or query.truncated for one in documents], dtype=bool),
                )
            )
        return responses

    def facts(self) -> dict[str, Any]:
        """Return what the model runs on."""
        return pool_facts(self._documents.facts(), self._model.max_length)

    def prepare(self, documents: Sequence[str]) -> None:
        """Encode every document once, so that no later call encodes it again."""
        new = [text for text in dict.fromkeys(documents) if text not in self._prepared]
        size = self.pool_pairs
        with tqdm(total=len(new), desc="encoding", unit="document", disable=None) as progress:
            for start in range(0, len(new), size):
                self._prepared.update(_embed(self._documents, new[start : start + size])[0])
                progress.update(len(new[start : start + size]))

    def forget(self) -> None:
        """Drop the encoded documents."""
        self._prepared.clear()

    def close(self) -> None:
        """Drop the encoded documents; the model goes with this object."""
        self.forget()


class _Embedded:
    """A text as a ``(dimension,)`` unit vector in float64, and what was read of it."""

    __slots__ = ("tokens", "truncated", "vector")

    def __init__(self, vector: NDArray[np.float64], tokens: int, *, truncated: bool) -> None:
        self.vector, self.tokens, self.truncated = vector, tokens, truncated


def _embed(engine: Engine, texts: Sequence[str]) -> tuple[dict[str, _Embedded], Encoded]:
    """Return every distinct text with its vector."""
    distinct = list(dict.fromkeys(texts))
    found = engine.run(distinct)
    embedded = {}
    for text, row, tokens, truncated in zip(distinct, found.rows, found.tokens, found.truncated, strict=True):
        vector = row.astype(np.float64)
        norm = float(np.linalg.norm(vector))
        embedded[text] = _Embedded(vector / (norm or 1.0), int(tokens), truncated=bool(truncated))
    return embedded, found
