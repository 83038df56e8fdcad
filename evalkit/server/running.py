"""The HTTP server, and how it ends without losing a request it took."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any

import uvicorn

from evalkit.config import ServiceSettings

if TYPE_CHECKING:
    from types import FrameType


def run(app: Any, listener: socket.socket, settings: ServiceSettings, notice: threading.Event) -> None:
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
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=max(round(settings.drain_s), 1),
    )
    _Server(config, notice, settings.notice_s).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends in three steps: clients are sent elsewhere, then nobody new is let in, then what is due is answered.

    The first step is left out where nobody is connected, and on SIGINT. A second signal leaves out the rest.
    """

    def __init__(self, config: uvicorn.Config, notice: threading.Event, notice_s: float) -> None:
        super().__init__(config)
        self._notice = notice
        self._notice_s = notice_s

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

    def _stop(self) -> None:
        self.should_exit = True
