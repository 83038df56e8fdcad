"""Protect the saving of results from Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


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


@contextmanager
def delay_sigint() -> Iterator[None]:
    """Let Ctrl-C take effect at the end of the block: what the block writes is not lost in the middle.

    Raises
    ------
    KeyboardInterrupt
        At the end, if the user interrupted the block.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach only the main thread
        return
    arrived: list[int] = []

    def note(number: int, _frame: Any) -> None:
        arrived.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if arrived:
        raise KeyboardInterrupt
