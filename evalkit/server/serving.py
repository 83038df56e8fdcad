"""Run the service until it is stopped."""

from __future__ import annotations

import contextlib
import socket
import sys

from evalkit.config import RerankerSettings
from evalkit.errors import MissingExtraError, StorageError
from evalkit.rerankers import open_reranker

READY = "evalkit serves "
"""First words of the line that says the service is up; the address follows."""


def serve(
    settings: RerankerSettings, *, model: str, dialect: str, host: str, port: int, api_key: str | None
) -> None:
    """Serve a backend until interrupted; print one line with the address once it accepts requests.

    Parameters
    ----------
    settings
        The backend.
    model
        Name the service goes by.
    dialect
        Wire format.
    host, port
        Where to listen; port 0 takes a free one.
    api_key
        Key to demand; None for none.

    Raises
    ------
    MissingExtraError
        If the server's packages are not installed.
    StorageError
        If the address cannot be listened on.
    """
    try:
        import starlette  # noqa: F401 - only to see whether it is there
        import uvicorn
    except ImportError:
        raise MissingExtraError("evalkit serve", "server") from None
    from evalkit import registry
    from evalkit.server.app import build_app

    wire = registry.lookup("dialect", dialect)()
    listener = _listen(host, port)
    reranker = open_reranker(settings)
    config = uvicorn.Config(build_app(reranker, model, wire, api_key), log_level="warning", access_log=False)
    address = f"http://{host}:{listener.getsockname()[1]}{wire.served_path(model)}"
    sys.stdout.write(f"{READY}{model} at {address}\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
    reranker.close()


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
        listener.listen(2048)
    except OSError as error:
        raise StorageError(
            f"cannot listen on {host}:{port}: {error.strerror or error}", "choose another --port, or --port 0"
        ) from None
    return listener
