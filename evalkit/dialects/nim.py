"""NVIDIA NIM's ``POST /v1/ranking``, docs.nvidia.com/nim/nemo-retriever/text-reranking.

There is no ``top_n``; some versions reject a request that contains it. With ``truncate: NONE`` one long passage
fails the whole request.
"""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError


class Nim(Dialect):
    """NVIDIA NIM: raw logits under ``rankings[].logit``, 512 passages at most."""

    path = "/v1/ranking"
    served_at_own_path = True
    shape = Shape(
        query="query.text",
        documents="passages",
        document_key="text",
        top_n=None,
        return_documents=None,
        results="rankings",
        score="logit",
    )
    score_kind = "logit"
    max_documents = 512
    options = frozenset({"truncate"})
    forms = RequestForms(media=True)
    strict = True

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return the tokens."""
        return facts.counted("prompt_tokens")

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"object": "error", "message"}``."""
        return {"object": "error", "message": error.message, "type": error.code}
