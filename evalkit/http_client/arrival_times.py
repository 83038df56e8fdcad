"""When the bytes of a reply reached this machine: the operating system notes it, a thread that waits resumes later."""

from __future__ import annotations

import socket
import struct
import sys
import time

_OPTION = 35
"""``SO_TIMESTAMPNS`` of Linux, for which `socket` has no name: notes have the type of the option."""
_NOTE = struct.Struct("@ll")
"""Seconds and nanoseconds of the system's clock."""
_SPACE = 64
"""Bytes for one note with its head."""
_TOGETHER_S = 20e-6
"""Two clocks are read together if it takes no longer: a thread may lose the processor between them."""
_MOST_READINGS = 5


def asks_for_arrivals(sock: socket.socket) -> bool:
    """Ask the operating system to note arrivals at a plain socket, and return whether it takes the order."""
    if sys.platform != "linux":
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, _OPTION, 1)
    except OSError:
        return False
    return True


def receive(sock: socket.socket, max_bytes: int) -> tuple[bytes, float | None]:
    """Return the next bytes of a socket, none at the end, and when the last of them arrived.

    The time is in seconds of `time.perf_counter`; None without a note, as at the end. It is wrong where the system's
    clock was set since the arrival. The system joins what waits to be read: before the last read, a byte may have the
    time of a later one.
    """
    data, notes, _, _ = sock.recvmsg(max_bytes, _SPACE)
    for level, kind, value in notes:
        if (level, kind) == (socket.SOL_SOCKET, _OPTION):
            seconds, nanoseconds = _NOTE.unpack_from(value)
            return data, _on_own_clock(seconds * 10**9 + nanoseconds)
    return data, None


def _on_own_clock(system_ns: int) -> float:
    """Return a time of the system's clock in seconds of `time.perf_counter`; at worst it is too late."""
    for _ in range(_MOST_READINGS):
        before_s = time.perf_counter()
        now_ns = time.time_ns()
        after_s = time.perf_counter()
        if after_s - before_s < _TOGETHER_S:
            break
    return after_s - (now_ns - system_ns) * 1e-9
