"""Mixedbread's ``POST /v1/reranking``, the vendor's OpenAPI file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import field_error
from evalkit.dialects.reply_writing import ReplyFacts, original
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError, WireRequest


class Mixedbread(Dialect):
    """Mixedbread: ``input`` in, ``data[].score`` out, score range not stated."""

    path = "/v1/reranking"
    served_at_own_path = True
    home = "https://api.mixedbread.com"
    shape = Shape(
        documents="input",
        objects=True,
        top_n="top_k",
        return_documents="return_input",
        results="data",
        score="score",
        echo="input",
        echo_key=None,
    )
    max_documents = 1000
    options = frozenset({"rank_fields", "rewrite_query"})
    forms = RequestForms(
        model_optional=True,
        default_model="mixedbread-ai/mxbai-rerank-large-v2",
        top_n_means_all=range(-1, 0),
        rank_fields="rank_fields",
        other_keys="fallback",
        unchanging={"rewrite_query": (False,)},
    )
    refusal_status = 422
    idempotency_header = "Idempotency-Key"
    result_constants: ClassVar = {"object": "rank_result"}

    def given_key(self, headers: Mapping[str, str]) -> str | None:
        """Return the API key of a request; the vendor's older JavaScript client sends it without ``Bearer``."""
        given = headers.get("authorization", "")
        return super().given_key(headers) or (given if given and " " not in given else None)

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return the type of the object, the options in force, and tokens."""
        request = facts.request
        counts = facts.counted("prompt_tokens", "completion_tokens")
        options = {"top_k": request.top_n or len(request.documents), "return_input": request.return_documents}
        return {"object": "list", **options, **counts}

    def returned_document(self, request: WireRequest, index: int) -> dict[str, Any]:
        """Return the input as the client sent it."""
        return {"input": original(request, index)}

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"detail": [{loc, msg, type}]}``."""
        return field_error(error)
