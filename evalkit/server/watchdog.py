"""End the process if a backend keeps the service from ending."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from evalkit.errors import WorldError

INTERRUPTED = 130
"""Exit code of a start that was interrupted; see evalkit/cli/README.md."""
_SIGINT_WAIT_S = 2.0


class Watchdog:
    """A thread that ends the process unless it is cancelled in time.

    Threads of a backend that hang can neither be ended nor waited for.

    Parameters
    ----------
    tell
        Prints a line.
    flush
        Called before the process ends.
    """

    def __init__(self, tell: Callable[[str], None], flush: Callable[[], None]) -> None:
        self._tell = tell
        self._flush = flush
        self._timer: threading.Timer | None = None

    def start(self, seconds: float) -> None:
        """End the process after some seconds."""
        self.cancel()
        self._timer = threading.Timer(seconds, self.end)
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        """Let the process live."""
        if self._timer is not None:
            self._timer.cancel()

    def end(self) -> None:
        """End the process now."""
        error = WorldError(
            "a backend did not return in time: the service ended without it",
            "see service.drain_s and the log of the backend",
        )
        with suppress(Exception):
            self._tell(error.render() + "\n")
            self._flush()
        os._exit(error.exit_code)


@contextmanager
def ended_by_sigint() -> Iterator[None]:
    """Within, end the process some seconds after SIGINT even if the main thread is in native code.

    Python's own handler runs in the main thread, and so only when native code returns. The wakeup descriptor is
    written by the handler in C.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    done = threading.Event()

    def watch() -> None:
        with reader:
            while received := reader.recv(1):
                if received[0] == signal.SIGINT and not done.wait(_SIGINT_WAIT_S):
                    os._exit(INTERRUPTED)

    threading.Thread(target=watch, daemon=True).start()
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        done.set()
        writer.close()
