"""Jina's ``POST /v1/rerank``, the vendor's OpenAPI file of 2026-04.

Documents are returned by default. The range of scores is not specified: version 3 of the model scores the whole list
jointly (declare it ``pointwise: false``) and returns similarities.
"""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import detail_error
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError


class Jina(Dialect):
    """Jina: best first, billed in tokens, score range not stated."""

    home = "https://api.jina.ai"
    shape = Shape(objects=True, echoes=True)
    options = frozenset({"truncation", "max_doc_length", "return_embeddings"})
    forms = RequestForms(media=True, unchanging={"return_embeddings": (False,)})
    refusal_status = 422

    def reply_fields(self, _facts: ReplyFacts) -> dict[str, Any]:
        """Return the type of the object."""
        return {"object": "list"}

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"detail"}``."""
        return detail_error(error)
