"""Alibaba DashScope's ``POST /compatible-api/v1/reranks``: the names that most APIs use, for ``qwen3-rerank``.

help.aliyun.com/zh/model-studio/text-rerank-api. A longer item is silently truncated to 4,000 tokens.
"""

from __future__ import annotations

from typing import Any

from evalkit.dialects.dashscope import Dashscope
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_forms import DEFAULT_INSTRUCTIONS, RequestForms
from evalkit.dialects.shape import Shape


class DashscopeCompat(Dashscope):
    """DashScope's compatible API: a flat request and reply, 500 documents and 30,000 tokens a request."""

    path = "/compatible-api/v1/reranks"
    served_at_own_path = True
    shape = Shape(instruction="instruct")
    options = frozenset({"instruct"})
    forms = RequestForms(media=True, default_instructions=DEFAULT_INSTRUCTIONS)

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return type of the object and ID."""
        return {"object": "list", "id": facts.request_id}
