"""The service's own pages: its state, metrics and description, and errors outside of a rerank request."""

from __future__ import annotations

import logging
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from evalkit.dialects import Dialect, WireError
from evalkit.server.endpoint import Service
from evalkit.server.page_replies import PageReplies
from evalkit.server.prometheus import CONTENT_TYPE

logger = logging.getLogger("evalkit.server")


class ServicePages(PageReplies):
    """The pages that the service has besides those of the APIs.

    Parameters
    ----------
    service, dialect
        See `PageReplies`.
    description
        The OpenAPI document.
    """

    def __init__(self, service: Service, dialect: Dialect, description: dict[str, Any]) -> None:
        super().__init__(service, dialect)
        self._description = description

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
