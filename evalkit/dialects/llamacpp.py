"""llama.cpp's server, ``POST /v1/rerank`` (tools/server; run with xllamacpp).

Without its option for reranking the server returns 501. A pair longer than the physical batch size fails the whole
request with status 500, which usually means a transient error and does not here.
"""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import numbered_error
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError


class Llamacpp(Dialect):
    """llama.cpp: raw logits, best first."""

    shape = Shape(return_documents=None)
    aliases = ("/rerank", "/reranking", "/v1/reranking")
    aliases_at_root = ("/reranking", "/v1/reranking")
    forms = RequestForms(model_optional=True, least_top_n=0)
    score_kind = "logit"

    def is_permanent(self, status: int, message: str) -> bool:
        """Return whether a pair is longer than the physical batch size, so that every retry fails."""
        return status == 500 and "too large to process" in message

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return type of the object and tokens."""
        return {"object": "list", **facts.counted("prompt_tokens")}

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"error": {code, message, type}}`` with a number as code."""
        return numbered_error(error)
