"""Serve a page to the browsers of this machine until the user stops it."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from evalkit.errors import MissingExtraError

if TYPE_CHECKING:
    from starlette.applications import Starlette

BACKLOG = 128
_LAST_REPLIES_S = 2


def require_server(feature: str) -> None:
    """Raise a `MissingExtraError` if the packages of the server are not installed."""
    try:
        import starlette  # noqa: F401 - only to check that it is installed
        import uvicorn  # noqa: F401 - as above
    except ImportError:
        raise MissingExtraError(feature, "server") from None


def is_only_here(listener: socket.socket) -> bool:
    """Return whether only programs of this machine can connect to a socket."""
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def serve_page(app: Starlette, listener: socket.socket) -> None:
    """Serve an application until SIGINT; pending requests are answered.

    Parameters
    ----------
    app
        The application.
    listener
        A socket that listens.
    """
    import uvicorn

    config = uvicorn.Config(
        app,
        ws="none",
        log_level="warning",
        use_colors=False,
        access_log=False,
        server_header=False,
        lifespan="off",
        proxy_headers=False,
        timeout_graceful_shutdown=_LAST_REPLIES_S,
    )
    with suppress(KeyboardInterrupt):  # uvicorn raises it again when it has stopped
        uvicorn.Server(config).run(sockets=[listener])
