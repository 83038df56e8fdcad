"""What a reply of the server reports about a scored request, apart from its results."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit.dialects.wire import WireRequest

DOCUMENTS_PER_UNIT = 100
"""Documents that one search unit or rerank unit covers, as the vendors that bill in units define it."""


@dataclass(frozen=True, slots=True)
class ReplyFacts:
    """The facts from which a dialect fills the fields and headers that its API adds to the results.

    Attributes
    ----------
    request
        The request; its model is the name of the reply.
    tokens
        Tokens processed.
    total_s, queue_s, model_s
        Seconds since the request arrived, those in the queue, and those of scoring.
    request_id
        The ID of the request, as in the header ``X-Request-ID``.
    created
        Time of the reply, in seconds since 1970.
    """

    request: WireRequest
    tokens: int
    total_s: float = 0.0
    queue_s: float = 0.0
    model_s: float = 0.0
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def units(self) -> int:
        """Search units: one for each query with up to 100 documents, the definition by which vendors bill."""
        return -(-len(self.request.documents) // DOCUMENTS_PER_UNIT)

    @property
    def characters(self) -> int:
        """Characters of all pairs: those of the query once for each document, and those of the documents."""
        return sum(len(query) + len(text) for query, text in self._pairs())

    @property
    def utf8_bytes(self) -> int:
        """Bytes of all pairs in UTF-8, counted as `characters` are."""
        return sum(len(query.encode()) + len(text.encode()) for query, text in self._pairs())

    def _pairs(self) -> list[tuple[str, str]]:
        request = self.request
        queries = request.queries or (request.query,) * len(request.documents)
        return list(zip(queries, request.documents, strict=False))

    def counted(self, *names: str) -> dict[str, int]:
        """Return ``usage.NAME`` -> count for names of token counts: a reranker reads tokens and writes none."""
        return {f"usage.{name}": 0 if name == "completion_tokens" else self.tokens for name in names}


def original(request: WireRequest, index: int) -> Any:
    """Return a document as the client sent it, a string or an object."""
    return request.documents[index] if request.originals is None else request.originals[index]


def original_object(request: WireRequest, index: int) -> Mapping[str, Any]:
    """Return a document as the client sent it, as an object with ``text`` if it sent a string."""
    sent = original(request, index)
    return sent if isinstance(sent, Mapping) else {"text": sent}
