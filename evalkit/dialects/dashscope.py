"""Alibaba DashScope's text-rerank, help.aliyun.com/zh/model-studio/text-rerank-api.

A request may contain 30,000 tokens (the query counts once for each document); a longer item is silently truncated to
4,000 tokens.
"""

from __future__ import annotations

import re
from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_forms import DEFAULT_INSTRUCTIONS, RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError
from evalkit.errors import RefusedFor

_CODES = {401: "InvalidApiKey", 403: "AccessDenied", 404: "ModelNotFound", 429: "Throttling"}


class Dashscope(Dialect):
    """DashScope: nested request and reply, 500 documents and 30,000 tokens a request."""

    path = "/api/v1/services/rerank/text-rerank/text-rerank"
    served_at_own_path = True
    home = "https://dashscope.aliyuncs.com"
    instructed_models = re.compile(r"qwen3(-vl)?-rerank", re.IGNORECASE)
    shape = Shape(
        query="input.query",
        documents="input.documents",
        instruction="parameters.instruct",
        top_n="parameters.top_n",
        return_documents="parameters.return_documents",
        results="output.results",
    )
    score_kind = "probability"
    max_documents = 500
    max_tokens = 30_000
    options = frozenset({"parameters"})
    forms = RequestForms(media=True, default_instructions=DEFAULT_INSTRUCTIONS)

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return the ID of the request."""
        return {"request_id": facts.request_id}

    def refused_for(self, status: int, words: str) -> RefusedFor | None:
        """Return what was refused; the same words say that a batch or a document is too large."""
        if status == 400 and "should not be larger than" in words:
            return "documents" if "batch size" in words else "text"
        return super().refused_for(status, words)

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"code", "message", "request_id"}``."""
        code = _CODES.get(error.status, "InvalidParameter" if error.status < 500 else "InternalError")
        return {"code": code, "message": error.message, "request_id": error.request_id}
