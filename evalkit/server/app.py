"""The ASGI application: rerankers behind every dialect at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from evalkit import registry
from evalkit.config import ServiceSettings
from evalkit.dialects import Dialect
from evalkit.dialects.decision_formats import DECISION_FORMATS
from evalkit.rerankers import Reranker
from evalkit.server.api_keys import Keyring
from evalkit.server.body_budget import BodyBudget
from evalkit.server.browser_checks import BrowserChecks
from evalkit.server.companion_pages import COMPANIONS, CompanionPages
from evalkit.server.endpoint import Endpoint, Service
from evalkit.server.limits import Limits
from evalkit.server.models import Models, ServedModel
from evalkit.server.openapi import describe
from evalkit.server.prometheus import Metrics
from evalkit.server.routes import MAIN, dialect_classes, dialects_by_path
from evalkit.server.service_pages import ServicePages
from evalkit.server.single_slashes import SingleSlashes

if TYPE_CHECKING:
    from evalkit.server.applied_rules import AppliedRule

Respond = Callable[[Request], Awaitable[Response]]


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
    metrics, served = _served(rerankers, settings)
    models = Models(served, any_name=any_name)
    budget = BodyBudget(max(settings.max_total_body_bytes, settings.max_body_bytes))
    keys = Keyring.of(settings, api_key)
    service = Service(models, keys, Limits(), metrics, settings, closing, budget, rules or {}, checks)
    paths = dialects_by_path(dialect)
    names = tuple(name for name, one in dialect_classes().items() if one.served_under_name)
    pages = ServicePages(service, _dialects(paths[MAIN])[dialect], describe(paths, models.names, names))
    handlers: dict[Any, Any] = {HTTPException: pages.unknown_route, Exception: pages.internal_error}
    app = Starlette(
        routes=_routes(_responders(service, paths, pages, dialect, names)),
        exception_handlers=handlers,
        middleware=_middleware(settings),
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


def _routes(responders: Mapping[str, Mapping[str, Respond]]) -> list[Route]:
    """Return the routes of each path, with and without a final slash, from path -> method -> what responds."""
    return [
        Route(path.replace("{model}", "{model:path}"), _by_method(methods), methods=list(methods))
        for given, methods in responders.items()
        # the one with a slash first: a model at the end of a path would be read with the slash
        for path in (given.rstrip("/") + "/", given.rstrip("/"))
        if path
    ]


def _by_method(methods: Mapping[str, Respond]) -> Respond:
    """Return what responds to the methods of one path."""

    async def respond(request: Request) -> Response:
        """Respond to a method; HEAD is GET without a body."""
        return await methods["GET" if request.method == "HEAD" else request.method](request)

    return respond


def _responders(
    service: Service,
    paths: Mapping[str, tuple[str, ...]],
    pages: ServicePages,
    chosen: str,
    names: Sequence[str],
) -> dict[str, dict[str, Respond]]:
    """Return path -> method -> what responds: reranking, the service's pages, and those that clients ask for.

    The latter are at the root in the chosen dialect, and under the name of each.
    """
    found: dict[str, dict[str, Respond]] = {
        path: {"POST": Endpoint(service, _dialects(accepted)).respond} for path, accepted in paths.items()
    }
    wordings = [one.wording for one in service.settings.decision_questions]
    for decisions in DECISION_FORMATS:
        found[decisions.path] = {"POST": Endpoint(service, {decisions.name: decisions(wordings)}).respond}
    own: dict[str, Respond] = {
        "/ready": pages.ready, "/metrics": pages.metrics, "/openapi.json": pages.openapi,
    }  # fmt: skip
    for prefix, name in (("", chosen), *((f"/{name}", name) for name in names)):
        companion = CompanionPages(service, _dialects((name,))[name])
        own |= {prefix + path: getattr(companion, method) for path, method in COMPANIONS.items()}
    for path, respond in own.items():
        found.setdefault(path, {})["GET"] = respond
    return found


def _middleware(settings: ServiceSettings) -> list[Middleware]:
    """Return what reads paths with several slashes, and what lets the allowed web pages read replies."""
    single = Middleware(SingleSlashes)
    if not settings.allowed_origins:
        return [single]
    return [
        single,
        Middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
        ),
    ]


def _count_batches(metrics: Metrics, model: str) -> Callable[[int, float], None]:
    return lambda pairs, seconds: metrics.batch(model, pairs, seconds)


def _dialects(names: tuple[str, ...]) -> dict[str, Dialect]:
    return {name: registry.lookup("dialect", name)() for name in names}
