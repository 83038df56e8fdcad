"""How work is cut for processors: measured once, the same for every runtime."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

MOST_WORKERS = 8
"""Forward passes at once: beyond that they wait for the interpreter rather than compute."""
CPU_BATCH_TOKENS = 1024
"""Small enough for activations to stay in the processor's cache; measured beside 2,048 and 8,192."""


def available_threads() -> int:
    """Return the processors this process may use."""
    own = getattr(os, "sched_getaffinity", None)
    return len(own(0)) if own else os.cpu_count() or 1


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def unheard() -> Iterator[None]:
    """Drop warnings: of probes that are meant to be cut, of an exporter that would rather be another."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(before)
