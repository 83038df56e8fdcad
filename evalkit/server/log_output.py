"""What the service writes to stdout and stderr: by a thread, so that a reader that has stopped stops no request."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

_MAX_BYTES = 4 * 1024 * 1024
"""Bytes that wait for their reader."""
_MAX_TEXT = 256 * 1024
"""Characters of one write; the rest is cut."""
_FLUSH_S = 1.0
"""How long the end of the service waits for the reader."""


class LogWriter:
    """Writes texts to a file descriptor in a thread of its own; drops and counts what its reader does not take.

    It writes to the descriptor, not to the stream: a thread that blocks in a write of a stream holds its lock, on which
    the end of the process waits.

    Parameters
    ----------
    descriptor
        Where to write.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._texts: deque[bytes] = deque()
        self._bytes = 0
        self._dropped_before = 0
        """Those that have been reported."""
        self._changed = threading.Condition()
        self._is_writing = False
        self.dropped = 0
        """Number of writes that were dropped."""
        threading.Thread(target=self._work, daemon=True, name="evalkit log").start()

    def write(self, text: str) -> None:
        """Have a text written, if there is room; never blocks."""
        data = text[:_MAX_TEXT].encode("utf-8", "backslashreplace")
        with self._changed:
            if self._bytes + len(data) > _MAX_BYTES:
                self.dropped += 1
                return
            self._texts.append(data)
            self._bytes += len(data)
            self._changed.notify_all()

    def flush(self, within_s: float) -> None:
        """Wait until everything is written, but not longer than `within_s` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._texts and not self._is_writing, within_s)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._texts or self.dropped > self._dropped_before)
                texts, size = list(self._texts), self._bytes
                lost, self._dropped_before = self.dropped - self._dropped_before, self.dropped
                self._texts.clear()
                self._is_writing = True
            if lost:
                texts.append(
                    f"evalkit: {lost} log messages were dropped because they were not read\n".encode()
                )
            is_read = self._write(b"".join(texts))
            with self._changed:
                self._bytes -= size
                if not is_read:
                    self.dropped += len(texts)
                    self._dropped_before = self.dropped  # there is no one to report them to

    def _write(self, data: bytes) -> bool:
        """Write everything; return False if there is no reader any more."""
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:
                time.sleep(0.05)
            except OSError:
                return False
        return True


class _Stream(io.TextIOBase):
    """A text stream in front of a `LogWriter`."""

    def __init__(self, writer: LogWriter, replaced: TextIO) -> None:
        self._writer = writer
        self._replaced = replaced

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of what is written."""
        return "utf-8"

    def write(self, text: str) -> int:
        """Have a text written; never blocks."""
        self._writer.write(text)
        return len(text)

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor of the stream that this one replaces."""
        return self._replaced.fileno()

    def isatty(self) -> bool:
        """Return whether a person reads the stream that this one replaces."""
        return self._replaced.isatty()


def fill_standard_descriptors() -> None:
    """Open the null device as stdin, stdout and stderr where they are closed.

    A connection would get their numbers, receive what native code prints, and have libuv abort when it is closed.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(opened)


@contextmanager
def never_blocking_output() -> Iterator[list[LogWriter]]:
    """Replace stdout and stderr within by streams that never block; yield their writers.

    A stream that is closed, or is no file, is left as it is.
    """
    streams = {name: getattr(sys, name) for name in ("stdout", "stderr")}
    writers = {}
    for name, stream in streams.items():
        with suppress(AttributeError, OSError, ValueError):  # closed, or a test's own
            stream.flush()
            writers[name] = LogWriter(stream.fileno())
            setattr(sys, name, _Stream(writers[name], stream))
    try:
        yield list(writers.values())
    finally:
        for writer in writers.values():
            writer.flush(_FLUSH_S)
        for name in writers:
            setattr(sys, name, streams[name])
