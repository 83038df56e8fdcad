"""A TCP proxy on loopback whose network can be cut: it then forwards nothing, and accepts nothing."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class TcpProxy:
    """Forwards connections to a port to another address.

    Parameters
    ----------
    host, port
        Where to.

    Attributes
    ----------
    address
        ``host:port`` to connect to.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._whole = threading.Event()
        self._whole.set()
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Forward nothing from now on, as if all packets were lost; connections stay open."""
        self._whole.clear()

    def mend(self) -> None:
        """Forward again, first what was held back."""
        self._whole.set()

    def close(self) -> None:
        """Close all connections."""
        self.mend()
        for one in [self._server, *self._open]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                self._whole.wait()
                client, _ = self._server.accept()
                self._open.append(client)
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        with suppress(OSError):
            other = socket.create_connection(self._target)
            self._open.append(other)
            for source, target in ((client, other), (other, client)):
                threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._whole.wait()
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
