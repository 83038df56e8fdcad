"""Error bodies of the families of rerank APIs, for the server."""

from __future__ import annotations

from typing import Any

from evalkit.dialects.wire import WireError

_TYPE_OF_STATUS = {
    401: "authentication_error",
    403: "authentication_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}


def openai_error(error: WireError) -> dict[str, Any]:
    """Return ``{"error": {message, type, code, param?}}``."""
    kind = _TYPE_OF_STATUS.get(error.status, "invalid_request_error")
    detail = {"message": error.message, "type": kind, "code": error.code}
    if error.param is not None:
        detail["param"] = error.param
    return {"error": detail}


def numbered_error(error: WireError) -> dict[str, Any]:
    """Return ``{"error": {message, type, param, code}}`` with the status as code (vLLM, llama.cpp)."""
    return {"error": {**openai_error(error)["error"], "param": error.param, "code": error.status}}


def message_error(error: WireError) -> dict[str, Any]:
    """Return ``{"message"}`` (Cohere)."""
    return {"message": error.message}


def detail_error(error: WireError) -> dict[str, Any]:
    """Return ``{"detail"}`` (Jina, Voyage and others)."""
    return {"detail": error.message}


def field_error(error: WireError) -> dict[str, Any]:
    """Return ``{"detail": [{loc, msg, type}]}`` (FastAPI)."""
    return {"detail": [{"loc": ["body", error.param or ""], "msg": error.message, "type": error.code}]}


def problem_error(error: WireError) -> dict[str, Any]:
    """Return RFC 7807's ``{type, title, status, detail}``."""
    return {"type": "about:blank", "title": error.code, "status": error.status, "detail": error.message}


def rpc_code(error: WireError) -> str:
    """Return the gRPC name of an error (Google, Pinecone)."""
    names = {
        401: "UNAUTHENTICATED",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        429: "RESOURCE_EXHAUSTED",
        503: "UNAVAILABLE",
    }
    return names.get(error.status, "INVALID_ARGUMENT" if error.status < 500 else "INTERNAL")


def google_error(error: WireError) -> dict[str, Any]:
    """Return Google's ``{"error": {code, message, status}}``."""
    return {"error": {"code": error.status, "message": error.message, "status": rpc_code(error)}}
