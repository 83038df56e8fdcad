"""What all pages of the service share: keys, checks of browsers, errors and headers."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from evalkit.dialects import Dialect, WireError
from evalkit.server.endpoint import Service, address_of, json_reply, refusal, timing


class PageReplies:
    """Replies of pages.

    Parameters
    ----------
    service
        The models and who may ask for them.
    dialect
        The wire format of keys and errors.
    """

    def __init__(self, service: Service, dialect: Dialect) -> None:
        self._service = service
        self._dialect = dialect

    def _unauthorized(self, request: Request) -> Response | None:
        """Return the error of a request without a valid key."""
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

    def _error(self, error: WireError) -> Response:
        body, status, headers = refusal(self._dialect, error)
        return self._reply(body, status, headers)

    def _reply(self, body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        all_headers = {
            "x-request-id": uuid.uuid4().hex,
            **timing(time.perf_counter(), None),
            **self._dialect.constant_headers,
            **(headers or {}),
        }
        return json_reply(body, status, all_headers)
