"""Pinecone's ``POST /rerank``, pinecone-io/pinecone-api 2026-04.

Documents must be objects, and are returned by default. Their maximum number depends on the model: 100, 200 or 250;
set ``max_documents`` for a model that accepts more than 100. The API may use another model than the requested one;
its reply then names that model.
"""

from __future__ import annotations

from typing import Any, ClassVar

from evalkit.dialects.base import Dialect
from evalkit.dialects.refusals import rpc_code
from evalkit.dialects.reply_writing import ReplyFacts, original_object
from evalkit.dialects.request_forms import RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError, WireRequest


class Pinecone(Dialect):
    """Pinecone: scores in 0..1 under ``data[].score``, an ``Api-Key`` header, billed in rerank units."""

    path = "/rerank"
    served_at_own_path = True
    home = "https://api.pinecone.io"
    shape = Shape(
        document_key="text",
        echoes=True,
        results="data",
        score="score",
        tokens=(),
        units=("usage.rerank_units",),
    )
    score_kind = "probability"
    max_documents = 100
    options = frozenset({"rank_fields", "parameters"})
    forms = RequestForms(rank_fields="rank_fields")
    key_header = "Api-Key"
    key_prefix = ""
    fixed_headers: ClassVar = {"X-Pinecone-Api-Version": "2026-04"}

    def reply_fields(self, facts: ReplyFacts) -> dict[str, Any]:
        """Return the rerank units of one query."""
        return {"usage.rerank_units": facts.units}

    def returned_document(self, request: WireRequest, index: int) -> dict[str, Any]:
        """Return the whole object that the client sent."""
        return {"document": original_object(request, index)}

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"error": {code, message}, "status"}``."""
        return {"error": {"code": rpc_code(error), "message": error.message}, "status": error.status}
