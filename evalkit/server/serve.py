"""Run the service until it is stopped."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections.abc import Mapping

from evalkit.config import RerankerSettings, ServiceSettings
from evalkit.errors import MissingExtraError, StorageError
from evalkit.rerankers import open_reranker

READY = "evalkit serves "
"""First words of the line that says the service is up; the address follows."""
_MOST_CONNECTIONS_WAITING = 2048


def serve(
    rerankers: Mapping[str, RerankerSettings],
    settings: ServiceSettings,
    *,
    dialect: str,
    host: str,
    port: int,
    api_key: str | None,
    any_name: bool,
) -> None:
    """Serve backends until interrupted; print one line with the address once requests are accepted.

    Parameters
    ----------
    rerankers
        The backends, by the model they are asked for as.
    settings
        Limits, waiting and batching.
    dialect
        Wire format of ``/v1/rerank``.
    host, port
        Where to listen; port 0 takes a free one.
    api_key
        Key to demand; None for none.
    any_name
        Whether the only backend answers to every name.

    Raises
    ------
    MissingExtraError
        If the server's packages are not installed.
    StorageError
        If the address cannot be listened on.
    """
    try:
        import prometheus_client  # noqa: F401 - only to see whether it is there
        import starlette  # noqa: F401 - as above
        import uvicorn  # noqa: F401 - as above
    except ImportError:
        raise MissingExtraError("evalkit serve", "server") from None
    from evalkit import registry
    from evalkit.server.app import build_app
    from evalkit.server.uvicorn_server import run

    wire = registry.lookup("dialect", dialect)()
    listener = _listen(host, port)
    opened = {name: open_reranker(one) for name, one in rerankers.items()}
    notice = threading.Event()
    app = build_app(opened, dialect, settings, api_key=api_key, any_name=any_name, closing=notice.is_set)
    if settings.access_log:
        _log_to_stderr("evalkit.server.access")
    name = next(iter(rerankers))
    address = f"http://{_in_url(host)}:{listener.getsockname()[1]}{wire.served_path(name)}"

    def tell() -> None:
        sys.stdout.write(f"{READY}{', '.join(rerankers)} at {address}\n")
        sys.stdout.flush()

    run(app, listener, settings, notice, tell)
    app.state.models.close()


def _log_to_stderr(name: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Its protocol is named, which `socket.create_server` leaves at 0: asyncio switches Nagle's
    algorithm off only for sockets that say they are TCP, and with it on every small reply waits
    40 ms for the client's delayed acknowledgement.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_MOST_CONNECTIONS_WAITING)
    except OSError as error:
        raise StorageError(
            f"cannot listen on {host}:{port}: {error.strerror or error}", "choose another --port, or --port 0"
        ) from None
    return listener
