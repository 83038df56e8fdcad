"""Run the service until it is stopped."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from evalkit.config import RerankerSettings, ServiceSettings
from evalkit.errors import MissingExtraError, StorageError, printable
from evalkit.rerankers import open_reranker

if TYPE_CHECKING:
    from evalkit.server.applied_rules import AppliedRule

READY = "evalkit serves "
"""Start of the line that announces that the service accepts requests; names and address follow."""
_BACKLOG = 2048


def serve(
    rerankers: Mapping[str, RerankerSettings],
    settings: ServiceSettings,
    *,
    dialect: str,
    host: str,
    port: int,
    api_key: str | None,
    any_name: bool,
    rules: Mapping[str, AppliedRule] | None = None,
) -> None:
    """Serve backends until interrupted; print one line with the address once requests are accepted.

    Parameters
    ----------
    rerankers
        Model name -> backend.
    settings
        Limits, queueing and batching.
    dialect
        Wire format of ``/v1/rerank``.
    host, port
        Where to listen; port 0 selects a free port.
    api_key
        The required API key; None for no key.
    any_name
        Whether a single backend is served under every model name.
    rules
        Model name -> depth, threshold and probability function to apply.

    Raises
    ------
    MissingExtraError
        If the server's packages are not installed.
    StorageError
        If the service cannot listen on the address.
    """
    _require_server()
    from evalkit import registry
    from evalkit.server.app import build_app
    from evalkit.server.uvicorn_server import run

    wire = registry.lookup("dialect", dialect)()
    listener = _listen(host, port)
    opened = {name: open_reranker(one) for name, one in rerankers.items()}
    notice = threading.Event()
    app = build_app(
        opened, dialect, settings, api_key=api_key, any_name=any_name, closing=notice.is_set, rules=rules
    )
    if settings.access_log:
        _log_to_stderr("evalkit.server.access")
    name = next(iter(rerankers))
    address = f"http://{_host_in_url(host)}:{listener.getsockname()[1]}{wire.served_path(name)}"

    def announce() -> None:
        if sys.stdout is not None:
            sys.stdout.write(printable(f"{READY}{', '.join(rerankers)} at {address}") + "\n")
            sys.stdout.flush()

    run(app, listener, settings, notice, announce)
    app.state.models.close()


def _require_server() -> None:
    """Raise a `MissingExtraError` if the packages of the server are not installed."""
    try:
        import prometheus_client  # noqa: F401 - only to check that it is installed
        import starlette  # noqa: F401 - as above
        import uvicorn  # noqa: F401 - as above
    except ImportError:
        raise MissingExtraError("evalkit serve", "server") from None


def _log_to_stderr(name: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def _host_in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    It is created with an explicit protocol, which `socket.create_server` leaves at 0: asyncio disables Nagle's
    algorithm only for sockets of the protocol TCP, and with that algorithm every small reply waits 40 ms for the
    client's delayed acknowledgement.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        raise StorageError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            "choose another --port, or use --port 0 for a free one",
        ) from None
    return listener
