"""llama.cpp's server, ``POST /v1/rerank`` (tools/server; run with xllamacpp).

It must be started for reranking, and answers 501 otherwise. One pair beyond the physical batch size
fails the whole request with a status 500 that looks transient and is not.
"""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import numbered_error
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError


class Llamacpp(Dialect):
    """llama.cpp: raw logits, best first."""

    shape = Shape(return_documents=None)
    score_kind = "logit"

    def is_permanent(self, status: int, message: str) -> bool:
        """Tell that a pair beyond the physical batch size fails however often it is sent."""
        return status == 500 and "too large to process" in message

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"error": {code, message, type}}`` with a number as code."""
        return numbered_error(error)
