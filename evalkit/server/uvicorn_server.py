"""The HTTP server, with a shutdown that answers every request that it has accepted."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import uvicorn

from evalkit.config import ServiceSettings

if TYPE_CHECKING:
    from types import FrameType

_FIRST_REQUEST_WAIT_S = 0.5
"""How long the shutdown waits for the request of a connection that was accepted last."""

_SO_ATTACH_FILTER = 26
"""Of asm-generic/socket.h; the standard library has no name for it."""


def run(
    app: Any,
    listener: socket.socket,
    settings: ServiceSettings,
    notice: threading.Event,
    ready: Callable[[], None],
) -> None:
    """Serve an application until SIGTERM or SIGINT.

    Parameters
    ----------
    app
        The ASGI application.
    listener
        A socket that already listens.
    settings
        Durations of the shutdown.
    notice
        Set when the shutdown begins.
    ready
        Called once requests are accepted and signals are handled.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=max(round(settings.drain_s), 1),
    )
    _Server(config, settings.notice_s, notice, ready).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Shuts down in three steps: announce it to clients, refuse new connections, answer pending requests.

    The first step is skipped if no client is connected, and on SIGINT. A second signal skips the rest.
    """

    def __init__(
        self, config: uvicorn.Config, notice_s: float, notice: threading.Event, ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._notice_s = notice_s
        self._notice = notice
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then call `ready`."""
        await super().startup(sockets)
        self._ready()

    def handle_exit(self, sig: int, _frame: FrameType | None) -> None:
        """Begin the next step of the shutdown."""
        if self._notice.is_set():
            self.force_exit = self.should_exit
            self.should_exit = True
            return
        self._notice.set()
        if sig == signal.SIGINT or not self.server_state.connections:
            self.should_exit = True
        else:
            asyncio.get_running_loop().call_later(self._notice_s, self._stop)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse new connections, wait for requests on those accepted last, then shut down."""
        for listener in sockets or ():
            _ignore_new_connections(listener)
        if self.server_state.connections and not self.force_exit:
            await asyncio.sleep(_FIRST_REQUEST_WAIT_S)
        accepted = [connection for listener in sockets or () for connection in _accept_all(listener)]
        for server in self.servers:
            server.close()
        for connection in accepted:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        if accepted and not self.force_exit:
            await asyncio.sleep(_FIRST_REQUEST_WAIT_S)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        protocol: Any = self.config.http_protocol_class
        created: asyncio.Protocol = protocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return created

    def _stop(self) -> None:
        self.should_exit = True


def _ignore_new_connections(listener: socket.socket) -> None:
    """Have the kernel drop what opens a connection, so that none waits unaccepted when the socket is closed.

    A connection that is completed between the last accept and the close would be reset, with its request. The
    client's kernel repeats a dropped packet after a second, and is then refused. Linux alone can do this.

    Source: the classic BPF instructions of linux/filter.h; a filter on a TCP socket reads from the TCP header on.
    """
    if sys.platform != "linux":
        return
    load_flags, keep_syn_and_ack, if_only_syn = (0x30, 0, 0, 13), (0x54, 0, 0, 0x12), (0x15, 0, 1, 0x02)
    drop, accept = (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF)
    program = [load_flags, keep_syn_and_ack, if_only_syn, drop, accept]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    with contextlib.suppress(OSError):
        listener.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(code))
        )


def _accept_all(listener: socket.socket) -> Iterator[socket.socket]:
    """Yield the connections in the listener's backlog, then close it: closing it before would reset them."""
    listener.listen(0)
    try:
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            yield connection
    except BlockingIOError:
        listener.close()
