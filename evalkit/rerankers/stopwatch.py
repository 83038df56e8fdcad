"""Where the time of a local model goes: tokenising, and the rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from evalkit.records import ServerTime


class Stopwatch:
    """Times a function wherever it is called from, apart for each thread.

    Parameters
    ----------
    timed
        The function; call this object in its stead.
    """

    def __init__(self, timed: Callable[..., Any]) -> None:
        self._timed = timed
        self._local = threading.local()

    def __call__(self, *words: Any, **named: Any) -> Any:
        """Call the function, and add up its time."""
        start = time.perf_counter()
        try:
            return self._timed(*words, **named)
        finally:
            self._local.seconds = self._seconds + time.perf_counter() - start

    @property
    def _seconds(self) -> float:
        return float(getattr(self._local, "seconds", 0.0))

    def split(self, start_s: float) -> tuple[ServerTime, ServerTime]:
        """Return this thread's time since `start_s` as the function's own and the rest, and begin anew.

        The rest ends when results are in this process's memory: a device has finished by then.
        """
        own, whole = self._seconds, time.perf_counter() - start_s
        self._local.seconds = 0.0
        return (
            ServerTime("tokenise", own, "tokenising"),
            ServerTime("forward", max(whole - own, 0.0), "the model, and copying its result"),
        )
