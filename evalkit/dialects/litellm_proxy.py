"""The litellm proxy's ``POST /v1/rerank``: Cohere's shape in front of any upstream (run with 1.106).

Headers report its own times and the cost it computed. A cost of 0 means that the proxy knows no price for the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.reading import TimeSource
from evalkit.dialects.refusals import openai_error
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError, WireRequest
from evalkit.records import Usage


class LitellmProxy(Dialect):
    """The litellm proxy: Cohere's shape, the upstream's order and scores."""

    shape = Shape(
        units=("meta.billed_units.search_units",),
        tokens=("meta.tokens.input_tokens", "meta.billed_units.total_tokens", "usage.total_tokens"),
    )
    options = frozenset({"rank_fields", "max_chunks_per_doc", "max_tokens_per_doc"})
    aliases = ("/rerank", "/v2/rerank")
    forms = RequestForms(rank_fields="rank_fields")
    cost_header = "x-litellm-response-cost"
    server_times = (
        TimeSource("x-litellm-response-duration-ms"),
        TimeSource("x-litellm-overhead-duration-ms", meaning="the proxy's own part"),
    )

    def read_usage(self, body: Any, headers: Mapping[str, str], request: WireRequest) -> Usage:
        """Return what was billed; a cost of 0 is unknown."""
        usage = super().read_usage(body, headers, request)
        return usage if usage.cost_usd else replace(usage, cost_usd=None)

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return ID and search units."""
        return {"id": facts.request_id, "meta.billed_units.search_units": facts.units}

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"error": {message, type, param, code}}`` with the status as text."""
        return {"error": {**openai_error(error)["error"], "param": error.param, "code": str(error.status)}}
