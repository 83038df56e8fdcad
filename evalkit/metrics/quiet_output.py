"""Discard what other packages write to stdout and stderr, from Python, from C and from child processes."""

from __future__ import annotations

import io
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout

_LOCK = threading.RLock()
"""The two file descriptors belong to the whole process."""


@contextmanager
def quiet() -> Iterator[None]:
    """Discard output of the code inside; Python warnings, too."""
    with _LOCK, ExitStack() as stack:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
        for descriptor in (1, 2):
            stack.enter_context(_discarded(descriptor))
        stack.enter_context(redirect_stdout(io.StringIO()))
        stack.enter_context(redirect_stderr(io.StringIO()))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _discarded(descriptor: int) -> Iterator[None]:
    """Point a file descriptor at the null device; do nothing if it is closed."""
    try:
        kept = os.dup(descriptor)
    except OSError:
        yield
        return
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, descriptor)
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
        os.close(null)
