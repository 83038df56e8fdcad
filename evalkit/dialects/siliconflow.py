"""SiliconFlow's ``POST /v1/rerank``, docs.siliconflow.cn: a reply has tokens in one of two places."""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import message_error
from evalkit.dialects.request_forms import DEFAULT_INSTRUCTIONS, RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError


class Siliconflow(Dialect):
    """SiliconFlow: best first, billed in tokens, score range not stated."""

    home = "https://api.siliconflow.cn"
    shape = Shape(tokens=("meta.tokens.input_tokens", "tokens.input_tokens"))
    options = frozenset({"instruction", "max_chunks_per_doc", "overlap_tokens"})
    forms = RequestForms(single_document=True, media=True, unchanging={"instruction": DEFAULT_INSTRUCTIONS})

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"message"}``."""
        return message_error(error)
