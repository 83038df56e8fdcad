"""Mixedbread's ``POST /v1/reranking``, the vendor's OpenAPI file."""

from __future__ import annotations

from typing import Any

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import field_error
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError


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

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"detail": [{loc, msg, type}]}``."""
        return field_error(error)
