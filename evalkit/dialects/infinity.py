"""michaelfeil/infinity, ``POST /rerank`` (fastapi_schemas; run with 0.0.78).

Without ``--lengths-via-tokenize`` its ``usage`` counts characters and calls them tokens. A server
with one model answers whatever model is asked for. Echoed documents are stripped of white space.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import field_error
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError, WireRequest
from evalkit.records import ScoreKind, Usage


class Infinity(Dialect):
    """Infinity: sigmoid scores, 2048 documents at most, usage in characters unless told otherwise."""

    path = "/rerank"
    served_at_own_path = True
    shape = Shape(echo_key=None)
    score_kind = "probability"
    max_documents = 2048
    options = frozenset({"raw_scores"})
    refusal_status = 422

    def read_usage(self, body: Any, headers: Mapping[str, str], request: WireRequest) -> Usage:
        """Return the count as characters where it is that of the texts sent, else as tokens."""
        usage = super().read_usage(body, headers, request)
        query = len(request.query.strip())
        if usage.tokens == sum(query + len(text.strip()) for text in request.documents):
            return replace(usage, tokens=None, characters=usage.tokens)
        return usage

    def kind_of_scores(self, options: Mapping[str, Any]) -> ScoreKind:
        """Return logit where raw scores are asked for."""
        return "logit" if options.get("raw_scores") is True else self.score_kind

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"detail": [{loc, msg, type}]}``."""
        return field_error(error)
