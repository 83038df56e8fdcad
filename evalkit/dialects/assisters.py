"""Assisters' ``POST /v1/rerank``.

Three published descriptions of this API disagree; decoding takes all of them: usage in
``usage.total_tokens`` or not at all, documents echoed as text or as ``{"text": ...}`` (never
read: results are mapped by index). Encoding follows the current one, docs.assisters.dev.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.dialects.base import Dialect, WireError, WireReply, WireRequest, descending, read_scores
from evalkit.errors import CallError

_TYPE_OF_STATUS = {
    401: "authentication_error",
    403: "authentication_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}


class Assisters(Dialect):
    """Assisters, docs.assisters.dev/api-reference/rerank: scores in 0..1, sorted, 1000 documents at most."""

    path = "/v1/rerank"
    score_kind = "probability"
    max_documents = 1000

    @staticmethod
    def headers(api_key: str | None) -> dict[str, str]:
        """Return the bearer token."""
        return {"Authorization": f"Bearer {api_key}"} if api_key else {}

    @staticmethod
    def encode_request(request: WireRequest) -> dict[str, Any]:
        """Return model, query, documents as strings, and what differs from the API's defaults."""
        body: dict[str, Any] = {
            "model": request.model,
            "query": request.query,
            "documents": list(request.documents),
        }
        if request.top_n is not None:
            body["top_n"] = request.top_n
        if request.return_documents:
            body["return_documents"] = True
        return body

    @staticmethod
    def decode_response(body: Any, documents: int) -> WireReply:
        """Read ``results[].index`` and ``results[].relevance_score``."""
        if not isinstance(body, dict):
            raise CallError("reply", "the reply is not a JSON object")
        usage = body.get("usage")
        tokens = usage.get("total_tokens") if isinstance(usage, dict) else None
        model = body.get("model")
        return WireReply(
            scores=read_scores(body.get("results"), documents),
            tokens=tokens if isinstance(tokens, int) and not isinstance(tokens, bool) else None,
            model=model if isinstance(model, str) else None,
        )

    @staticmethod
    def error_message(body: Any) -> str | None:
        """Read ``error.message``."""
        error = body.get("error") if isinstance(body, dict) else None
        message = error.get("message") if isinstance(error, dict) else error
        return message if isinstance(message, str) else None

    @staticmethod
    def server_seconds(headers: Mapping[str, str]) -> float | None:
        """Read ``X-Processing-Time-Ms``."""
        try:
            return float(headers["x-processing-time-ms"]) / 1000
        except (KeyError, ValueError):
            return None

    @staticmethod
    def decode_request(body: Any) -> WireRequest:
        """Check every key; null counts as absent, unknown keys are ignored."""
        if not isinstance(body, dict):
            raise WireError(400, "invalid_request", "the body must be a JSON object")
        documents = _required(body, "documents")
        if not isinstance(documents, list) or not documents:
            raise _invalid("documents", "must be a list of at least one document")
        if len(documents) > Assisters.max_documents:
            raise _invalid(
                "documents",
                f"holds {len(documents)} documents; at most {Assisters.max_documents} are allowed",
            )
        return WireRequest(
            model=_text(body, "model"),
            query=_text(body, "query"),
            documents=tuple(_document(index, value) for index, value in enumerate(documents)),
            top_n=_top_n(body.get("top_n")),
            return_documents=_flag(body.get("return_documents")),
        )

    @staticmethod
    def encode_response(request: WireRequest, scores: Sequence[float], tokens: int) -> dict[str, Any]:
        """Return model, results and usage."""
        results: list[dict[str, Any]] = []
        for index in descending(scores)[: request.top_n]:
            result: dict[str, Any] = {"index": index, "relevance_score": float(scores[index])}
            if request.return_documents:
                result["document"] = request.documents[index]
            results.append(result)
        return {"model": request.model, "results": results, "usage": {"total_tokens": tokens}}

    @staticmethod
    def encode_error(error: WireError) -> dict[str, Any]:
        """Return ``{"error": {message, type, code, param?}}``."""
        kind = _TYPE_OF_STATUS.get(error.status, "invalid_request_error")
        detail = {"message": error.message, "type": kind, "code": error.code}
        if error.param is not None:
            detail["param"] = error.param
        return {"error": detail}


def _required(body: dict[str, Any], key: str) -> Any:
    if body.get(key) is None:
        raise WireError(400, "missing_parameter", f"'{key}' is required", key)
    return body[key]


def _invalid(key: str, what: str) -> WireError:
    return WireError(400, "invalid_parameter", f"'{key}' {what}", key)


def _text(body: dict[str, Any], key: str) -> str:
    value = _required(body, key)
    if not isinstance(value, str):
        raise _invalid(key, "must be a string")
    return value


def _document(index: int, value: Any) -> str:
    text = value.get("text") if isinstance(value, dict) else value
    if not isinstance(text, str):
        raise _invalid("documents", f"holds at position {index} neither a string nor an object with 'text'")
    return text


def _top_n(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _invalid("top_n", "must be a whole number of 1 or more")
    return value


def _flag(value: Any) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        raise _invalid("return_documents", "must be true or false")
    return value
