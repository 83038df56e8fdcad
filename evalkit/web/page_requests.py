"""Which requests a page's server answers: not those that a web page of a stranger makes a browser send."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

MOST_BYTES = 100_000
"""Length of the largest body."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

Endpoint = Callable[[Request], Awaitable[Response]]


def guarded(endpoint: Endpoint, host: str) -> Endpoint:
    """Return an endpoint that refuses requests of other pages, and adds headers that protect the page.

    A browser lets any page send a request to ``127.0.0.1``, and lets a page read the replies of a server whose name it
    can point to ``127.0.0.1`` (DNS rebinding). The Host header says which name the browser believes in, the Origin
    header whose page it is.

    Parameters
    ----------
    endpoint
        Answers a request.
    host
        The name under which the server was started.
    """

    async def answer(request: Request) -> Response:
        """Check a request, then answer it."""
        reason = refusal_of(request.headers, host, request.method)
        reply = await endpoint(request) if reason is None else PlainTextResponse(reason[1], reason[0])
        for name, value in _HEADERS.items():
            reply.headers.setdefault(name, value)
        return reply

    return answer


def refusal_of(headers: Headers, host: str, method: str) -> tuple[int, str] | None:
    """Return status and reason if a request is refused; None if it is answered.

    Parameters
    ----------
    headers
        Those of the request.
    host
        The name under which the server was started.
    method
        Method of the request: what changes something is POST.
    """
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    if len(hosts) != 1 or not _is_own(hosts[0], host):
        return 421, "The Host header does not name this server."
    if any(_netloc(origin) != hosts[0].lower() for origin in origins):
        return 403, "Other web pages may not use this server."
    if method != "POST":
        return None
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return 403, "Other web pages may not use this server."
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return 415, "The content type must be application/json."
    return None


def _is_own(given: str, host: str) -> bool:
    """Return whether a Host header has a numeric address, which no stranger's page has, or a name of this server."""
    name = (_hostname(f"//{given}") or "").rstrip(".")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in {"localhost", host.lower()}
    return True


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


async def body_of(request: Request) -> bytes | None:
    """Return the body of a request; None if it is longer than `MOST_BYTES`."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return None
    return body
