"""Cohere's ``POST /v1/rerank``, docs.cohere.com (superseded by v2, still served and widely imitated)."""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import message_error
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError


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

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"message"}``."""
        return message_error(error)
