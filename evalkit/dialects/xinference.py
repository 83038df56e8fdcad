"""Xinference's ``POST /v1/rerank`` (run with 4.1.0); a malformed request returns status 500 in plain text."""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import detail_error
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_forms import DEFAULT_INSTRUCTIONS, RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError
from evalkit.errors import RefusedFor


class Xinference(Dialect):
    """Xinference: best first, sigmoid for cross-encoders; tokens only with ``return_len``."""

    shape = Shape(instruction="instruction", tokens=("meta.tokens.input_tokens",))
    options = frozenset({"return_len", "max_chunks_per_doc", "kwargs"})
    forms = RequestForms(
        least_top_n=0,
        text_flags=True,
        media=True,
        unchanging={"kwargs": ("", "{}", {})},
        default_instructions=DEFAULT_INSTRUCTIONS,
    )
    returns_documents = "or null"

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return ID and the four keys of ``meta``."""
        tokens = {"input_tokens": facts.tokens, "output_tokens": 0}
        meta = {"api_version": None, "billed_units": None, "tokens": tokens, "warnings": None}
        return {"id": facts.request_id, "meta": meta}

    def refused_for(self, status: int, words: str) -> RefusedFor | None:
        """Return what was refused; a request that lacks a field gets status 500, which a retry does not change."""
        if status == 500 and "field required" in words.lower():
            return "request"
        return super().refused_for(status, words)

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"detail"}``."""
        return detail_error(error)
