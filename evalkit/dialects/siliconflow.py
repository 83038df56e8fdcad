"""SiliconFlow's ``POST /v1/rerank``, docs.siliconflow.cn: a reply has tokens in one of two places."""

from __future__ import annotations

import re
from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import message_error
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_forms import DEFAULT_INSTRUCTIONS, RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError


class Siliconflow(Dialect):
    """SiliconFlow: best first, billed in tokens, score range not stated."""

    home = "https://api.siliconflow.cn"
    instructed_models = re.compile(r"qwen3-reranker", re.IGNORECASE)
    shape = Shape(instruction="instruction", tokens=("meta.tokens.input_tokens", "tokens.input_tokens"))
    options = frozenset({"instruction", "max_chunks_per_doc", "overlap_tokens"})
    forms = RequestForms(single_document=True, media=True, default_instructions=DEFAULT_INSTRUCTIONS)

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return ID and tokens; clients read these in either place."""
        tokens = {"input_tokens": facts.tokens, "output_tokens": 0}
        return {"id": facts.request_id, "tokens": tokens, "meta.tokens": tokens}

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"code", "message", "data"}``."""
        return {"code": error.status, **message_error(error), "data": None}
