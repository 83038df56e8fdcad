"""Fireworks' ``POST /inference/v1/rerank``, docs.fireworks.ai: a key that is not listed there is rejected.

Documents are returned by default.
"""

from __future__ import annotations

import re
from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_forms import DEFAULT_INSTRUCTIONS, RequestForms
from evalkit.dialects.shape import Shape


class Fireworks(Dialect):
    """Fireworks: best first under ``data``, billed in tokens, score range not stated."""

    path = "/inference/v1/rerank"
    served_at_own_path = True
    home = "https://api.fireworks.ai"
    instructed_models = re.compile(r"qwen3-reranker", re.IGNORECASE)
    shape = Shape(instruction="task", results="data", echoes=True, echo_key=None)
    options = frozenset({"task"})
    forms = RequestForms(model_optional=True, default_instructions=DEFAULT_INSTRUCTIONS)
    strict = True

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return type of the object and tokens."""
        return {"object": "list", **facts.counted("prompt_tokens", "completion_tokens")}
