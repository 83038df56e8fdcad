"""Novita AI's ``POST /openai/v1/rerank``, novita.ai/docs/api-reference/model-apis-llm-create-rerank."""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.shape import Shape


class Novita(Dialect):
    """Novita: best first, billed in tokens, score range not stated, documents always returned."""

    path = "/openai/v1/rerank"
    served_at_own_path = True
    home = "https://api.novita.ai"
    shape = Shape(return_documents=None)
    returns_documents = "always"

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return ID and tokens."""
        return {"id": facts.request_id, **facts.counted("prompt_tokens", "completion_tokens")}
