"""What a process may not do: write large files, or write where only root may."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def file_limit(size: int) -> Iterator[None]:
    """Have every write past a size fail in this process, as on a full disk.

    Python writes nothing of what it compiles meanwhile: it would leave a part of a file, which it fails to read later.
    """
    writes_nothing, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes_nothing
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def without_privilege() -> None:
    """Give up root's right to write whatever it likes; a plain user has none to give up."""
    if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).prctl(24, 1, 0, 0, 0) != 0:
        os._exit(99)
