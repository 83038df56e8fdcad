"""SGLang's ``POST /v1/rerank``, and that of its router (serving_rerank.py; sgl-router, run with 0.3.2).

A server returns the list of results and names no model. The router returns an object that contains the list: at
``/v1/rerank`` it reads only the query and the documents and calls the model ``unknown``, at ``/rerank`` it reads
``top_k`` for ``top_n``, ``return_documents`` and the model, too. Each ignores the keys of the other. What a score means
depends on the model: a classifier's logit or the probability of "yes".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from evalkit.dialects.base import Dialect
from evalkit.dialects.reading import first_amount, whole
from evalkit.dialects.request_forms import DEFAULT_INSTRUCTIONS, RequestForms
from evalkit.dialects.shape import Shape
from evalkit.dialects.wire import WireError, WireReply, WireRequest
from evalkit.records import Usage

_ROUTER_LIMIT = "top_k"
_TOKENS_OF_A_RESULT = "meta_info.prompt_tokens"
_NO_MODEL = "unknown"
"""The router's default for a model."""
_PARTS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["type", "text"],
        "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
    },
}
"""JSON schema of a text in parts, ``{"type": "text", "text"}``."""


class Sglang(Dialect):
    """SGLang and its router: a bare list or ``results``, best first, score range by model."""

    shape = Shape(instruction="instruct", echoes=True, results="", score="score", echo_key=None)
    options = frozenset({"instruct", "rid", "user"})
    forms = RequestForms(
        model_optional=True,
        top_n_elsewhere=_ROUTER_LIMIT,
        media=True,
        default_instructions=DEFAULT_INSTRUCTIONS,
    )
    result_constants: ClassVar[Mapping[str, Any]] = {"meta_info": None}

    def encode_request(self, request: WireRequest, options: Mapping[str, Any] | None = None) -> Any:
        """Return the body of a request, with the limit under the server's and the router's key."""
        limit = {} if request.top_n is None else {_ROUTER_LIMIT: request.top_n}
        return {**super().encode_request(request, options), **limit}

    def decode_request(self, body: Any, path_model: str | None = None) -> WireRequest:
        """Read a request; a query or a document may be a list of parts.

        Raises
        ------
        WireError
            See `ServedFormat.decode_request`.
        """
        if isinstance(body, dict):
            body = {key: _read_parts(key, value) for key, value in body.items()}
        return super().decode_request(body, path_model)

    def query_schema(self, text: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON schema of a query."""
        return {"anyOf": [text, _PARTS]}

    def document_schema(self, document: dict[str, Any], _text: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON schema of a document."""
        return {"anyOf": [document, _PARTS]}

    def results_in(self, body: Any) -> Any:
        """Return a server's list, or the list of the router's object."""
        return body.get("results") if isinstance(body, dict) else body

    def decode_response(self, body: Any, headers: Mapping[str, str], request: WireRequest) -> WireReply:
        """Read a reply of a server or of the router, see `Dialect.decode_response`."""
        reply = super().decode_response(body, headers, request)
        return replace(reply, model=None) if reply.model == _NO_MODEL else reply

    def read_usage(self, body: Any, headers: Mapping[str, str], request: WireRequest) -> Usage:
        """Return the router's sum, or the sum over the results; None unless each result has a number of tokens."""
        usage = super().read_usage(body, headers, request)
        if usage.tokens is not None:
            return usage
        amounts = [first_amount(result, (_TOKENS_OF_A_RESULT,)) for result in self.results_in(body)]
        known = [amount for amount in amounts if amount is not None]
        return replace(usage, tokens=whole(sum(known)) if len(known) == len(amounts) else None)

    def encode_error(self, error: WireError) -> dict[str, Any]:
        """Return ``{object: "error", message, type, param, code}``."""
        kind = "BadRequestError" if error.status < 500 else "InternalServerError"
        return {
            "object": "error",
            "message": error.message,
            "type": kind,
            "param": error.param,
            "code": error.status,
        }


def _read_parts(key: str, value: Any) -> Any:
    """Return a value of a request with lists of parts in the form ``{"content": [...]}``."""
    if key == "documents" and isinstance(value, list):
        return [_read_parts("query", one) for one in value]
    return {"content": value} if key == "query" and isinstance(value, list) else value
