"""Protect the saving of results from a second Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ignore_sigint() -> Iterator[None]:
    """Ignore Ctrl-C inside the block: people press it twice, and the second one must not interrupt the saving."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach only the main thread
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
