"""DeepInfra's ``POST /v1/inference/{model}``: a list of scores in input order.

The pages of the Qwen3 rerankers (deepinfra.com/Qwen/Qwen3-Reranker-0.6B/api) have ``queries``, a list that other
clients fill with the query once for each document; the guide (docs.deepinfra.com/apis/reranker) has ``query`` for a
cross-encoder. A request contains ``queries`` for those models and both keys for any other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.reading import TimeSource
from evalkit.dialects.reply_writing import ReplyFacts
from evalkit.dialects.request_forms import DEFAULT_INSTRUCTIONS, RequestForms
from evalkit.dialects.shape import Shape, add
from evalkit.dialects.wire import WireError, WireRequest

_LISTS_QUERIES = "qwen/qwen3-reranker"
"""Beginning of the names of models with ``queries`` alone, in lower case."""


class Deepinfra(Dialect):
    """DeepInfra: a list of scores in 0..1 in input order, without indices."""

    path = "/v1/inference/{model}"
    served_at_own_path = True
    home = "https://api.deepinfra.com"
    instructed_models = re.compile(re.escape(_LISTS_QUERIES), re.IGNORECASE)
    shape = Shape(
        model=None,
        instruction="instruction",
        top_n=None,
        return_documents=None,
        results="scores",
        index=None,
        score=None,
        tokens=("input_tokens", "inference_status.tokens_input"),
        cost_usd=("inference_status.cost",),
    )
    score_kind = "probability"
    sorted = False
    options = frozenset({"instruction", "service_tier"})
    forms = RequestForms(
        pairs=(("query", "documents"), ("queries", "documents")),
        unchanging={"webhook": ("",)},
        default_instructions=DEFAULT_INSTRUCTIONS,
    )
    server_times = (TimeSource("inference_status.runtime_ms", in_body=True),)

    def encode_request(self, request: WireRequest, options: Mapping[str, Any] | None = None) -> Any:
        """Return the body of a request, with the query where the model's page or the guide has it."""
        body = super().encode_request(request, options)
        add(body, "queries", [request.query] * len(request.documents))
        if request.model.lower().startswith(_LISTS_QUERIES):
            del body["query"]
        return body

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return ID and status; nothing is billed."""
        return {
            "request_id": facts.request_id,
            "inference_status": {
                "status": "succeeded",
                "runtime_ms": round(facts.model_s * 1000),
                "cost": 0.0,
                "tokens_generated": 0,
                "tokens_input": facts.tokens,
            },
        }

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"detail": {"error"}}``."""
        return {"detail": {"error": error.message}}
