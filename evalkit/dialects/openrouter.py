"""OpenRouter's ``POST /api/v1/rerank``, the vendor's OpenAPI file: documents are always returned."""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError


class Openrouter(Dialect):
    """OpenRouter: best first, scores of the provider, tokens, units and cost in the reply."""

    path = "/api/v1/rerank"
    served_at_own_path = True
    home = "https://openrouter.ai"
    shape = Shape(
        objects=True,
        return_documents=None,
        units=("usage.search_units",),
        cost_usd=("usage.cost",),
    )
    options = frozenset({"provider", "user", "session_id", "trace"})
    forms = RequestForms(media=True)
    returns_documents = "always"

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return ID, provider and search units."""
        units = {"usage.search_units": facts.units}
        return {"id": f"gen-rerank-{facts.request_id}", "provider": "evalkit", **units}

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"error": {code, message}}`` with a number as code."""
        return {"error": {"code": error.status, "message": error.message}}
