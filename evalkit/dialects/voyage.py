"""Voyage's ``POST /v1/rerank``, voyage-ai/openapi (also MongoDB Atlas, with its own url)."""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.reading import TimeSource
from evalkit.dialects.refusals import detail_error
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError


class Voyage(Dialect):
    """Voyage: scores in 0..1 under ``data``, ``top_k``, 600,000 tokens a request."""

    home = "https://api.voyageai.com"
    shape = Shape(top_n="top_k", results="data", echo_key=None)
    score_kind = "probability"
    max_documents = 1000
    max_tokens = 600_000
    options = frozenset({"truncation"})
    server_times = (TimeSource("voyage-processing-ms"),)

    def reply_fields(self, _facts: ReplyFacts) -> dict[str, Any]:
        """Return the type of the object."""
        return {"object": "list"}

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"detail"}``."""
        return detail_error(error)
