"""Cloudflare Workers AI's ``POST /client/v4/accounts/{account}/ai/run/@cf/baai/bge-reranker-base``.

The schema is that of developers.cloudflare.com/workers-ai/models/bge-reranker-base and of Cloudflare's OpenAPI file.
The page does not state the range of scores. ``top_k`` has had a default, so the client always sends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from evalkit.dialects.base import Dialect
from evalkit.dialects.shape import Shape, dig
from evalkit.dialects.wire import WireError, WireReply, WireRequest
from evalkit.errors import CallError


class Cloudflare(Dialect):
    """Cloudflare Workers AI: ``contexts`` in, ``result.response[]`` with ids out, best first; reports no usage."""

    path = "/client/v4/accounts/{account}/ai/run/{model}"
    served_at_own_path = True
    home = "https://api.cloudflare.com"
    shape = Shape(
        model=None,
        documents="contexts",
        document_key="text",
        top_n="top_k",
        return_documents=None,
        results="result.response",
        index="id",
        score="score",
        tokens=(),
    )
    needs_top_n = True
    options = frozenset()

    def url(self, model: str) -> str | None:
        """Return the address for a model, whose ``@`` is not escaped."""
        return self.home + self.path.replace("{model}", quote(model, safe="/@"))

    def decode_response(self, body: Any, headers: Mapping[str, str], request: WireRequest) -> WireReply:
        """Read a reply.

        Raises
        ------
        CallError
            See `Dialect.decode_response`; also if the reply says that the request failed.
        """
        if dig(body, "success") is False:
            errors = dig(body, "errors")
            first = errors[0] if isinstance(errors, list) and errors else None
            raise CallError(
                "reply", f"the reply says that the request failed: {str(dig(first, 'message'))[:120]}"
            )
        return super().decode_response(body, headers, request)

    def in_envelope(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the body of a reply in Cloudflare's envelope."""
        return {"result": body["result"], "success": True, "errors": [], "messages": []}

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{"success": false, "errors": [{code, message}]}``."""
        code = {401: 10000, 403: 10000, 404: 7003, 429: 3040}.get(error.status, 5006)
        return {
            "result": None,
            "success": False,
            "errors": [{"code": code, "message": error.message}],
            "messages": [],
        }
