"""Together's ``POST /v1/rerank``, togethercomputer/openapi: a key that is not listed there is rejected."""

from __future__ import annotations

from typing import Any

import orjson

from evalkit.dialects.base import Dialect
from evalkit.dialects.reply_writing import ReplyFacts, original
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireRequest


class Together(Dialect):
    """Together: best first, billed in tokens, score range not stated."""

    home = "https://api.together.ai"
    shape = Shape(objects=True)
    options = frozenset({"rank_fields"})
    forms = RequestForms(rank_fields="rank_fields", other_keys="always")
    strict = True
    returns_documents = "always"

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return the type of the object, ID and tokens."""
        counts = facts.counted("prompt_tokens", "completion_tokens")
        return {"object": "rerank", "id": facts.request_id, **counts}

    def returned_document(self, request: WireRequest, index: int) -> dict[str, Any]:
        """Return ``{"text"}``; an object is returned as JSON text."""
        sent = original(request, index)
        return {"document": {"text": sent if isinstance(sent, str) else orjson.dumps(sent).decode()}}
