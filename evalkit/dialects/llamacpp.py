"""llama.cpp's server, ``POST /v1/rerank`` (tools/server; run with xllamacpp).

Without its option for reranking the server returns 501. A pair longer than the physical batch size fails the whole
request with status 500, which usually means a transient error and does not here.

What its scores mean depends on the model: the logit of a model with a classification head (bge-reranker and most
others), but a probability, after a softmax over yes and no, of Qwen3-Reranker. No field of the reply says which, so the
kind is unknown unless the configuration states it: ``scores: logit`` or ``scores: probability``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import numbered_error
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError
from evalkit.records import ScoreKind


class Llamacpp(Dialect):
    """llama.cpp: logits or probabilities, depending on the model; best first."""

    shape = Shape(return_documents=None)
    aliases = ("/rerank", "/reranking", "/v1/reranking")
    aliases_at_root = ("/reranking", "/v1/reranking")
    forms = RequestForms(model_optional=True, least_top_n=0)

    def shown_kind(self, _options: Mapping[str, Any]) -> ScoreKind:
        """Return logit: llama.cpp does not map the scores of a classification head."""
        return "logit"

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return type of the object and tokens."""
        return {"object": "list", **facts.counted("prompt_tokens")}

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"error": {code, message, type}}`` with a number as code."""
        return numbered_error(error)
