"""michaelfeil/infinity, ``POST /rerank`` (fastapi_schemas; run with 0.0.78).

Without ``--lengths-via-tokenize`` its ``usage`` counts characters and calls them tokens. A server with one model
answers for every model name. White space around echoed documents is removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import detail_error, field_error, numbered_error
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError, WireRequest
from evalkit.records import ScoreKind, Usage


class Infinity(Dialect):
    """Infinity: sigmoid scores, 2048 documents at most, usage in characters unless configured otherwise."""

    path = "/rerank"
    served_at_own_path = True
    shape = Shape(echo_key=None)
    score_kind = "probability"
    max_documents = 2048
    options = frozenset({"raw_scores"})
    aliases = ("/v1/rerank",)  # with --url-prefix /v1
    forms = RequestForms(model_optional=True, default_model="default/not-specified", text_flags=True)
    refusal_status = 422
    returns_documents = "or null"

    def read_usage(self, body: Any, headers: Mapping[str, str], request: WireRequest) -> Usage:
        """Return the count as characters if it equals the length of the texts, else as tokens."""
        usage = super().read_usage(body, headers, request)
        query = len(request.query.strip())
        if usage.tokens == sum(query + len(text.strip()) for text in request.documents):
            return replace(usage, tokens=None, characters=usage.tokens)
        return usage

    def kind_of_scores(self, options: Mapping[str, Any]) -> ScoreKind:
        """Return logit if raw scores are requested."""
        return "logit" if options.get("raw_scores") is True else self.score_kind

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return type of the object, ID, time and tokens."""
        return {
            "object": "rerank",
            "id": f"infinity-{facts.request_id}",
            "created": facts.created,
            **facts.counted("prompt_tokens"),
        }

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"detail": [{loc, msg, type}]}`` for a malformed request, else ``{"detail"}`` or ``{"error"}``."""
        if error.status == 422:
            return field_error(error)
        return detail_error(error) if error.status == 401 else numbered_error(error)
