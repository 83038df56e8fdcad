"""Listen for connections."""

from __future__ import annotations

import socket

from evalkit.errors import StorageError


def host_in_url(host: str) -> str:
    """Return a host as it is written in a URL."""
    return f"[{host}]" if ":" in host else host


def listen(host: str, port: int, backlog: int) -> socket.socket:
    """Return a listening socket.

    It is created with an explicit protocol, which `socket.create_server` leaves at 0: asyncio disables Nagle's
    algorithm only for sockets of the protocol TCP, and with that algorithm every small reply waits 40 ms for the
    client's delayed acknowledgement.

    Raises
    ------
    StorageError
        If the address cannot be used.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(backlog)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise StorageError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            "choose another --port, or use --port 0 for a free one",
        ) from None
    return listener
