"""The service: one reranker behind one dialect."""

from __future__ import annotations

import hmac
import logging
import time
import uuid
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from evalkit.dialects import ANY_MODEL, Dialect, WireError, WireRequest
from evalkit.errors import CallError
from evalkit.records import RerankRequest
from evalkit.rerankers import Reranker
from evalkit.reranking import find_fault
from evalkit.server.unit_scores import to_unit

logger = logging.getLogger("evalkit.server")


def build_app(reranker: Reranker, model: str, dialect: Dialect, api_key: str | None = None) -> Starlette:
    """Return the ASGI application.

    Parameters
    ----------
    reranker
        Scores every request; called from a pool of threads.
    model
        Name of what is served: the only model that a request may name, besides `ANY_MODEL`.
    dialect
        Wire format, which also gives the path.
    api_key
        Key that every request must carry in the dialect's way; None to ask for none.
    """
    service = _Service(reranker, model, dialect, api_key)
    routes = [
        Route(dialect.path.replace("{model}", "{model:path}"), service.rerank, methods=["POST"]),
        Route("/v1/models", service.models, methods=["GET"]),
        Route("/health", _health, methods=["GET"]),
    ]
    handlers: dict[Any, Any] = {
        WireError: service.refuse,
        HTTPException: service.refuse_route,
        Exception: service.break_down,
    }
    return Starlette(routes=routes, exception_handlers=handlers)


class _Service:
    def __init__(self, reranker: Reranker, model: str, dialect: Dialect, api_key: str | None) -> None:
        self._reranker = reranker
        self._model = model
        self._dialect = dialect
        self._api_key = api_key

    async def rerank(self, request: Request) -> Response:
        start = time.perf_counter()
        self._check_key(request)
        try:
            body = orjson.loads(await request.body())
        except orjson.JSONDecodeError as error:
            raise WireError(400, "invalid_request", f"the body is not JSON: {error}") from None
        asked = self._dialect.decode_request(body, request.path_params.get("model"))
        if asked.model not in {self._model, ANY_MODEL}:
            raise WireError(
                400,
                "invalid_model",
                f"model {asked.model!r} is not served here; this is {self._model!r}",
                "model",
            )
        answer, tokens = await run_in_threadpool(self._answer, asked)
        return _json(answer, 200, self._dialect.reply_headers(time.perf_counter() - start, tokens))

    def _answer(self, asked: WireRequest) -> tuple[Any, int]:
        positions = tuple(str(index) for index in range(len(asked.documents)))
        request = RerankRequest("", asked.query, asked.documents, positions)
        try:
            response = self._reranker.score(request)
        except CallError as error:
            raise WireError(500, "server_error", error.message) from None
        fault = find_fault(response, request)
        if fault is not None:
            raise WireError(500, "server_error", fault.message)
        scores = to_unit(response.scores, self._reranker.score_kind)
        served = WireRequest(self._model, asked.query, asked.documents, asked.top_n, asked.return_documents)
        tokens = _count_words(asked) if response.usage.tokens is None else response.usage.tokens
        return self._dialect.encode_response(served, scores.tolist(), tokens), tokens

    async def models(self, request: Request) -> Response:
        self._check_key(request)
        return _json({"object": "list", "data": [{"id": self._model, "object": "model"}]}, 200)

    async def refuse(self, _request: Request, error: Exception) -> Response:
        assert isinstance(error, WireError)  # noqa: S101 - starlette's type is wider than its promise
        return _json(self._dialect.encode_error(error), error.status)

    async def refuse_route(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - as above
        known = f"POST {self._dialect.path}, GET /v1/models, GET /health"
        message = f"{request.method} {request.url.path} is not served here; there are {known}"
        return await self.refuse(request, WireError(error.status_code, "not_found", message))

    async def break_down(self, request: Request, error: Exception) -> Response:
        logger.error("failed to answer", exc_info=error)
        return await self.refuse(
            request, WireError(500, "server_error", "the server failed; its log says why")
        )

    def _check_key(self, request: Request) -> None:
        if self._api_key is None:
            return
        given = self._dialect.given_key(request.headers) or ""
        if not hmac.compare_digest(given.encode(), self._api_key.encode()):
            raise WireError(401, "invalid_api_key", "the API key is missing or wrong")


async def _health(_request: Request) -> Response:
    return _json({"status": "ok"}, 200)


def _json(body: Any, status: int, headers: dict[str, str] | None = None) -> Response:
    named = {"X-Request-ID": uuid.uuid4().hex, **(headers or {})}
    return Response(orjson.dumps(body), status, media_type="application/json", headers=named)


def _count_words(asked: WireRequest) -> int:
    """Return the number of words: the usage of a backend that counts no tokens itself."""
    return sum(len(text.split()) for text in (asked.query, *asked.documents))
