"""The HTTP server, with a shutdown that answers every request that it has accepted."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import math
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import uvicorn

from evalkit.config import ServiceSettings
from evalkit.server.http_protocol import BoundedProtocol
from evalkit.server.open_connections import Acceptor, Connections, connections_that_fit

if TYPE_CHECKING:
    from types import FrameType

    from starlette.applications import Starlette

_FIRST_REQUEST_WAIT_S = 0.5
"""How long the shutdown waits for the request of a connection that was accepted last."""

_AFTER_DRAIN_S = 3.0
"""How much later than `drain_s` the process ends at the latest: replies of status 503 are sent meanwhile."""

_TICKS_PER_SWEEP = 10
"""uvicorn ticks ten times a second."""

_SO_ATTACH_FILTER = 26
"""Of asm-generic/socket.h; the standard library has no name for it."""


def run(
    app: Starlette,
    listener: socket.socket,
    settings: ServiceSettings,
    notice: threading.Event,
    ready: Callable[[], None],
    end_within: Callable[[float], None],
) -> None:
    """Serve an application until SIGTERM or SIGINT.

    Parameters
    ----------
    app
        The application of `build_app`.
    listener
        A socket that already listens.
    settings
        Limits of connections, and durations of the shutdown.
    notice
        Set when the shutdown begins.
    ready
        Called once requests are accepted and signals are handled.
    end_within
        Called with the seconds in which the process must have ended, when the shutdown begins.
    """
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        log_level="warning",
        use_colors=False,  # else it asks stdout, which may be closed
        access_log=False,
        server_header=False,
        lifespan="off",
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=math.ceil(settings.drain_s) + 1,
    )
    _Server(config, app, settings, listener, notice, (ready, end_within)).run()


class _Server(uvicorn.Server):
    """Shuts down in three steps: announce it to clients, refuse new connections, answer pending requests.

    The first step is skipped if no client is connected, and on SIGINT. A second signal skips the rest.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        app: Starlette,
        settings: ServiceSettings,
        listener: socket.socket,
        notice: threading.Event,
        callbacks: tuple[Callable[[], None], Callable[[float], None]],
    ) -> None:
        super().__init__(config)
        self._app = app
        self._settings = settings
        self._listener = listener
        self._notice = notice
        self._ready, self._end_within = callbacks
        self._connections = Connections(connections_that_fit(settings.max_connections))
        self._acceptor = Acceptor(listener, self._connections, self._protocol)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - of uvicorn
        """Start, then call `ready`."""
        await super().startup(sockets=[])
        self._app.state.budget.watch_unsent(lambda: self._connections.unsent_bytes)
        self._app.state.metrics.watch_connections(self._connections)
        self._acceptor.start()
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        """Once a second, close the connections that are overdue."""
        if counter % _TICKS_PER_SWEEP == 0:
            self._connections.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, _frame: FrameType | None) -> None:
        """Begin the next step of the shutdown."""
        if self._notice.is_set():
            self.force_exit = self.should_exit
            self.should_exit = True
            if self.force_exit:
                self._give_up()
                self._end_within(_AFTER_DRAIN_S)
            return
        self._notice.set()
        drain_s = self._settings.drain_s + _AFTER_DRAIN_S
        if sig == signal.SIGINT or not self.server_state.connections:
            self._end_within(drain_s)
            self.should_exit = True
        else:
            self._end_within(self._settings.notice_s + drain_s)
            asyncio.get_running_loop().call_later(self._settings.notice_s, self._stop)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - of uvicorn
        """Refuse new connections, wait for requests on those accepted last, then shut down."""
        loop = asyncio.get_running_loop()
        loop.call_later(self._settings.drain_s, self._give_up)
        self._acceptor.stop()
        _ignore_new_connections(self._listener)
        if self.server_state.connections and not self.force_exit:
            await asyncio.sleep(_FIRST_REQUEST_WAIT_S)
        accepted = list(_accept_all(self._listener))
        for connection in accepted:
            await self._acceptor.take(connection)
        if accepted and not self.force_exit:
            await asyncio.sleep(_FIRST_REQUEST_WAIT_S)
        await super().shutdown(sockets=[])

    def _protocol(self) -> asyncio.Protocol:
        return BoundedProtocol(
            self.config,
            self.server_state,
            self.lifespan.state,
            settings=self._settings,
            connections=self._connections,
        )

    def _give_up(self) -> None:
        """Answer the pending requests with status 503."""
        self._app.state.models.give_up()
        self._app.state.budget.reject_incomplete()

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
    with contextlib.suppress(OSError):  # none is left, or no file descriptor
        while True:
            yield listener.accept()[0]
    listener.close()
