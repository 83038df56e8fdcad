"""LocalAI's ``POST /v1/rerank`` (core/http/endpoints/jina/rerank.go at 82c191a).

The model is required. Documents are always returned. Order and scores are those of the backend that runs the model; one
of them counts words, not tokens, in ``usage``.
"""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import numbered_error
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError


class Localai(Dialect):
    """LocalAI: Jina's request, the backend's order and scores, documents always returned."""

    shape = Shape(return_documents=None)
    options = frozenset({"backend"})
    refusal_status = 422

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"error": {code, message, type}}`` with a number as code."""
        return numbered_error(error)
