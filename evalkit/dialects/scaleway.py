"""Scaleway's ``POST /v1/rerank``, in vLLM's shape (litellm's tests; volcengine/OpenViking pull 4040).

``top_n`` is required: a request without it is rejected with 400. Documents are always returned.
"""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireRequest


class Scaleway(Dialect):
    """Scaleway: vLLM's shape with a required ``top_n``, billed in tokens, score range not stated."""

    home = "https://api.scaleway.ai"
    shape = Shape(return_documents=None)
    needs_top_n = True
    returns_documents = "always"

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return the ID."""
        return {"id": f"rerank-{facts.request_id}"}

    def returned_document(self, request: WireRequest, index: int) -> dict[str, Any]:
        """Return the text; there are no images."""
        return {"document": {"text": request.documents[index], "multi_modal": None}}
