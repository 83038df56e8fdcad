"""The HTTP server, and how it ends without losing a request it took."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import uvicorn

from evalkit.config import ServiceSettings

if TYPE_CHECKING:
    from types import FrameType

_LAST_WORDS_S = 0.5
"""From the last connection to its request."""


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
        ASGI.
    listener
        Listening already.
    settings
        How long the end may take.
    notice
        Set once the service is about to end.
    ready
        Called once requests are accepted, and signals heeded.
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
    """Ends in three steps: clients are sent elsewhere, then nobody new is let in, then what is due is answered.

    The first step is left out where nobody is connected, and on SIGINT. A second signal leaves out the rest.
    """

    def __init__(
        self, config: uvicorn.Config, notice_s: float, notice: threading.Event, ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._notice_s = notice_s
        self._notice = notice
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell when it is done."""
        await super().startup(sockets)
        self._ready()

    def handle_exit(self, sig: int, _frame: FrameType | None) -> None:
        """Begin the next step."""
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
        """Let nobody new in; whoever was let in just now may still say what for."""
        at_the_door = [connection for listener in sockets or () for connection in _accepted(listener)]
        for server in self.servers:
            server.close()
        for connection in at_the_door:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        if self.server_state.connections and not self.force_exit:
            await asyncio.sleep(_LAST_WORDS_S)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        protocol: Any = self.config.http_protocol_class
        made: asyncio.Protocol = protocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    def _stop(self) -> None:
        self.should_exit = True


def _accepted(listener: socket.socket) -> Iterator[socket.socket]:
    """Take in, and close the door behind, those whom the system has let in already: closing it first resets them."""
    listener.listen(0)
    try:
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            yield connection
    except BlockingIOError:
        listener.close()
