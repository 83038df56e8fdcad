"""The ASGI application: rerankers behind every dialect at once."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from evalkit import registry
from evalkit.config import ServiceSettings
from evalkit.dialects import Dialect, WireError
from evalkit.rerankers import Reranker
from evalkit.server.api_keys import Keyring
from evalkit.server.applied_rules import AppliedRule
from evalkit.server.body_budget import BodyBudget
from evalkit.server.browser_checks import BrowserChecks
from evalkit.server.endpoint import Endpoint, Service, address_of, json_reply, refusal, timing
from evalkit.server.limits import Limits
from evalkit.server.models import Models, ServedModel
from evalkit.server.openapi import describe
from evalkit.server.prometheus import CONTENT_TYPE, Metrics
from evalkit.server.routes import MAIN, dialects_by_path

logger = logging.getLogger("evalkit.server")


def build_app(
    rerankers: Mapping[str, Reranker],
    dialect: str = "assisters",
    settings: ServiceSettings | None = None,
    *,
    api_key: str | None = None,
    any_name: bool = False,
    closing: Callable[[], bool] = lambda: False,
    rules: Mapping[str, AppliedRule] | None = None,
    checks: BrowserChecks | None = None,
) -> Starlette:
    """Return the ASGI application; the caller closes its ``state.models``.

    Its state also has the ``metrics`` and the ``budget`` of request bodies, for the server around it.

    Parameters
    ----------
    rerankers
        Model name -> reranker; each is called from threads of its own.
    dialect
        Name of the wire format of ``/v1/rerank``; all others have other paths.
    settings
        Limits, queueing and batching; None for the defaults.
    api_key
        A key that is accepted in addition to those of ``keys_file``; without either, no key is required.
    any_name
        Whether a single model is served under every name.
    closing
        Returns whether the service is shutting down.
    rules
        Model name -> depth, threshold and probability function to apply.
    checks
        Checks of what browsers send; None for none.

    Raises
    ------
    ConfigError, InputError
        If ``keys_file`` cannot be read, or is invalid.
    UnknownNameError
        If there is no such dialect.
    """
    registry.lookup("dialect", dialect)
    settings = settings or ServiceSettings()
    served: dict[str, ServedModel] = {}
    metrics = Metrics(lambda: {name: one.waiting_pairs for name, one in served.items()})
    for name, reranker in rerankers.items():
        served[name] = ServedModel(name, reranker, settings, _count_batches(metrics, name))
    models = Models(served, any_name=any_name)
    budget = BodyBudget(max(settings.max_total_body_bytes, settings.max_body_bytes))
    keys = Keyring.of(settings, api_key)
    service = Service(models, keys, Limits(), metrics, settings, closing, budget, rules or {}, checks)
    paths = dialects_by_path(dialect)
    pages = _Pages(service, _dialects(paths[MAIN])[dialect], describe(paths, models.names))
    handlers: dict[Any, Any] = {HTTPException: pages.unknown_route, Exception: pages.internal_error}
    app = Starlette(
        routes=_routes(service, paths, pages), exception_handlers=handlers, middleware=_cors(settings)
    )
    app.state.models, app.state.metrics, app.state.budget = models, metrics, budget
    return app


def _served(
    rerankers: Mapping[str, Reranker], settings: ServiceSettings
) -> tuple[Metrics, dict[str, ServedModel]]:
    """Return the models with their queues, and the metrics that count their batches."""
    served: dict[str, ServedModel] = {}
    metrics = Metrics(lambda: {name: one.waiting_pairs for name, one in served.items()})
    for name, reranker in rerankers.items():
        served[name] = ServedModel(name, reranker, settings, _count_batches(metrics, name))
    return metrics, served


def _routes(service: Service, paths: Mapping[str, tuple[str, ...]], pages: _Pages) -> list[Route]:
    return [
        *(_route(path, Endpoint(service, _dialects(names))) for path, names in paths.items()),
        Route("/v1/models", pages.models, methods=["GET"]),
        Route("/v1/models/{model:path}", pages.model, methods=["GET"]),
        Route("/health", pages.health, methods=["GET"]),
        Route("/ready", pages.ready, methods=["GET"]),
        Route("/metrics", pages.metrics, methods=["GET"]),
        Route("/openapi.json", pages.openapi, methods=["GET"]),
    ]


def _cors(settings: ServiceSettings) -> list[Middleware]:
    """Return what lets the allowed web pages read replies."""
    if not settings.allowed_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
        )
    ]


def _count_batches(metrics: Metrics, model: str) -> Callable[[int, float], None]:
    return lambda pairs, seconds: metrics.batch(model, pairs, seconds)


def _dialects(names: tuple[str, ...]) -> dict[str, Dialect]:
    return {name: registry.lookup("dialect", name)() for name in names}


def _route(path: str, endpoint: Endpoint) -> Route:
    return Route(path.replace("{model}", "{model:path}"), endpoint.respond, methods=["POST"])


class _Pages:
    """All pages except the rerank paths, and errors outside of a rerank request."""

    def __init__(self, service: Service, dialect: Dialect, description: dict[str, Any]) -> None:
        self._service = service
        self._dialect = dialect
        self._description = description

    async def models(self, request: Request) -> Response:
        """List the models."""
        if error := self._unauthorized(request):
            return error
        models = [self._model_object(name) for name in self._service.models.names]
        return self._reply({"object": "list", "data": models})

    async def model(self, request: Request) -> Response:
        """Describe one model."""
        if error := self._unauthorized(request):
            return error
        name = request.path_params["model"]
        if name not in self._service.models.names:
            return self._error(WireError(404, "not_found", f"unknown model {name[:100]!r}", "model"))
        return self._reply(self._model_object(name))

    async def health(self, _request: Request) -> Response:
        """Report that the process is running."""
        return self._reply({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """Report whether the service accepts requests, and whether every model has a thread that answers them."""
        if self._service.closing():
            return self._reply({"status": "closing"}, 503)
        if not self._service.models.are_working():
            return self._reply({"status": "stuck"}, 503)
        return self._reply({"status": "ready"})

    async def metrics(self, request: Request) -> Response:
        """Return the Prometheus metrics."""
        if error := self._foreign(request):
            return error
        return Response(self._service.metrics.page(), headers={"Content-Type": CONTENT_TYPE})

    async def openapi(self, request: Request) -> Response:
        """Describe the service."""
        if error := self._foreign(request):
            return error
        return self._reply(self._description)

    async def unknown_route(self, request: Request, error: Exception) -> Response:
        """Return the error of a path or method that is not served."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        allowed = (error.headers or {}).get("Allow") if isinstance(error, HTTPException) else None
        # Only a path of the service is repeated: what a client puts into another may be a key.
        path = "this path" if request.path_params else request.url.path
        message = (
            f"{path} accepts {allowed}, not {request.method}"
            if allowed
            else "this path does not exist; GET /openapi.json lists the endpoints"
        )
        reply = self._error(WireError(status, "not_found", message))
        if isinstance(error, HTTPException):
            reply.headers.update(error.headers or {})
        return reply

    async def internal_error(self, _request: Request, error: Exception) -> Response:
        """Return status 500; the traceback goes to the log, not to the client."""
        logger.error("request failed", exc_info=error)
        return self._error(WireError(500, "server_error", "internal server error; see the server log"))

    def _unauthorized(self, request: Request) -> Response | None:
        try:
            self._service.keys.client_of(self._dialect.given_key(request.headers), address_of(request))
        except WireError as error:
            return self._error(error)
        return self._foreign(request)

    def _foreign(self, request: Request) -> Response | None:
        """Return the error of a request that a browser sends for a stranger's page."""
        try:
            if self._service.checks is not None:
                self._service.checks.check(request.headers, has_body=False)
        except WireError as error:
            return self._error(error)
        return None

    def _model_object(self, name: str) -> dict[str, Any]:
        models = self._service.models
        scale = models.scale_of(name)
        scores = {"score_kind": scale.kind, "score_mapping": scale.mapping}
        return {"id": name, "object": "model", "created": models.created, "owned_by": "evalkit", **scores}

    def _error(self, error: WireError) -> Response:
        body, status, headers = refusal(self._dialect, error)
        return self._reply(body, status, headers)

    def _reply(self, body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        all_headers = {
            "x-request-id": uuid.uuid4().hex,
            **timing(time.perf_counter(), None),
            **(headers or {}),
        }
        return json_reply(body, status, all_headers)
