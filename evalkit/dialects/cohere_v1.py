"""Cohere's ``POST /v1/rerank``, docs.cohere.com (superseded by v2, still served and widely imitated)."""

from __future__ import annotations

from typing import Any, ClassVar

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import message_error
from evalkit.dialects.reply_writing import ReplyFacts, original_object
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError, WireRequest


class CohereV1(Dialect):
    """Cohere v1: scores in 0..1, best first, billed in search units."""

    home = "https://api.cohere.com"
    shape = Shape(
        objects=True, units=("meta.billed_units.search_units",), tokens=("meta.tokens.input_tokens",)
    )
    score_kind = "probability"
    max_documents = 10_000
    options = frozenset({"rank_fields", "max_chunks_per_doc"})
    forms = RequestForms(model_optional=True, rank_fields="rank_fields")
    api_version: ClassVar[str] = "1"

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return ID, version of the API, and the search units of one query."""
        return {
            "id": facts.request_id,
            "meta.api_version.version": self.api_version,
            "meta.billed_units.search_units": facts.units,
        }

    def returned_document(self, request: WireRequest, index: int) -> dict[str, Any]:
        """Return an object with ``text`` and the other keys that the client sent."""
        return {"document": {"text": request.documents[index], **original_object(request, index)}}

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"message", "id"}``."""
        return {**message_error(error), "id": error.request_id}
