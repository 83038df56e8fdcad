"""The open connections of the service: how many there may be, and which one is closed for a new one."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections import Counter
from collections.abc import Callable
from typing import Protocol

CLOSE_REASONS = ("full", "timeout", "unread")
"""Why the service closes connections."""
_STALLED_S = 30.0
"""A client that reads nothing of its reply for so long is disconnected."""
_AT_ONCE = 32
"""Connections accepted before other work gets a turn: closing makes room for the next ones only then."""
_PAUSE_S = 0.1
"""Wait before the next attempt if there is neither room nor a connection to close."""
_SPARE = 8
"""One of so many connections is kept for those without a complete request: health checks get through."""
_FOR_FILES = 48
"""File descriptors that are not used for connections, at least."""


class Connection(Protocol):
    """What is asked of a connection."""

    deadline_s: float
    """Time of the event loop at which `time_out` is due."""
    answered: bool
    """Whether a request of the connection has been answered."""

    def give_way(self) -> None:
        """Close for a new connection."""

    def time_out(self) -> bool:
        """Close because the request did not arrive in time; return whether it was closed."""

    def unsent(self) -> int:
        """Return the bytes of replies that the client has not received yet."""

    def abort(self) -> None:
        """Close at once."""


class Connections:
    """Counts connections, and knows which of them wait for a complete request.

    A limit for each address would be wrong behind a proxy, where all clients have one address. So the limit is common,
    and whoever keeps a connection without asking loses it to whoever comes.

    Parameters
    ----------
    most
        Maximum number of open connections.

    Attributes
    ----------
    closed
        Reason -> number of connections that the service closed.
    unsent_bytes
        Bytes of replies that clients had not received at the last `sweep`.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.open = 0
        self.closed: Counter[str] = Counter()
        self.unsent_bytes = 0
        self._all: dict[Connection, tuple[int, float]] = {}
        self._new: dict[Connection, None] = {}
        self._idle: dict[Connection, None] = {}

    @property
    def waiting(self) -> int:
        """Number of connections without a complete request."""
        return len(self._new) + len(self._idle)

    def is_full(self) -> bool:
        """Return whether no further connection may be opened."""
        return self.open >= self.most

    def is_busy(self) -> bool:
        """Return whether so many requests are being answered that a further one must be rejected."""
        return len(self._all) - self.waiting > self.most - max(self.most // _SPARE, 1)

    def waits(self, connection: Connection) -> None:
        """Note that a connection has no complete request; repeating it does not make it younger."""
        self._all.setdefault(connection, (0, 0.0))
        (self._idle if connection.answered else self._new).setdefault(connection)

    def asks(self, connection: Connection) -> None:
        """Note that a connection has a complete request."""
        self._new.pop(connection, None)
        self._idle.pop(connection, None)

    def lost(self, connection: Connection) -> None:
        """Note that a connection is closed."""
        self.open -= 1
        self._all.pop(connection, None)
        self.asks(connection)

    def make_room(self) -> bool:
        """Close the connection that has waited longest, one that has never been answered first.

        Returns
        -------
        Whether there was one.
        """
        victim = next(iter(self._new), None) or next(iter(self._idle), None)
        if victim is None:
            return False
        self.asks(victim)
        self.closed["full"] += 1
        victim.give_way()
        return True

    def sweep(self, now: float) -> None:
        """Close what is overdue: requests that do not arrive, replies that are not read.

        Parameters
        ----------
        now
            Time of the event loop.
        """
        self.unsent_bytes = 0
        for connection, (before, since) in list(self._all.items()):
            left = connection.unsent()
            self.unsent_bytes += left
            if not left or left < before or not before:
                self._all[connection] = (left, now)
            elif now - since > _STALLED_S:
                self.closed["unread"] += 1
                connection.abort()
                continue
            if now > connection.deadline_s and connection.time_out():
                self.closed["timeout"] += 1


class Acceptor:
    """Accepts the connections of a listener, up to the limit of `Connections`.

    Event loops accept whatever waits before they handle any of it, and so run out of file descriptors.

    Parameters
    ----------
    listener
        A socket that listens.
    connections
        Says whether there is room.
    create
        Returns the protocol of a new connection.
    """

    def __init__(
        self, listener: socket.socket, connections: Connections, create: Callable[[], asyncio.Protocol]
    ) -> None:
        self._listener = listener
        self._connections = connections
        self._create = create
        self._tasks: set[asyncio.Task[None]] = set()
        self._resume: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Accept connections from now on."""
        self._resume = None
        self._listener.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listener.fileno(), self._accept)

    def stop(self) -> None:
        """Accept no more connections."""
        if self._resume is not None:
            self._resume.cancel()
        asyncio.get_running_loop().remove_reader(self._listener.fileno())

    async def take(self, accepted: socket.socket) -> None:
        """Serve an accepted connection."""
        self._connections.open += 1
        accepted.setblocking(False)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._create, accepted)
        except OSError:
            self._connections.open -= 1
            accepted.close()

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            if self._connections.is_full() and not self._connections.make_room():
                self._pause()
                return
            try:
                accepted, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # out of file descriptors or memory: trying again at once would not end
                self._connections.make_room()
                self._pause()
                return
            task = asyncio.get_running_loop().create_task(self.take(accepted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _pause(self) -> None:
        self.stop()
        self._resume = asyncio.get_running_loop().call_later(_PAUSE_S, self.start)


def connections_that_fit(asked: int) -> int:
    """Return how many connections there can be, at most `asked`, with the file descriptors of this process.

    The soft limit is raised as far as the hard one allows.
    """
    if sys.platform == "win32":
        return asked
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * asked + _FOR_FILES
    if soft < wanted and (hard == resource.RLIM_INFINITY or soft < hard):
        raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
    if soft == resource.RLIM_INFINITY:
        return asked
    return min(asked, max(soft - max(soft // 4, _FOR_FILES), 4))
