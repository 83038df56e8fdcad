"""One limit for the bytes of all request bodies that are held at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from evalkit.dialects import WireError

_RETRY_S = 1.0


class HeldBody:
    """The bytes of one body.

    Attributes
    ----------
    size
        Bytes received so far.
    limit
        Ends the reading; None once the body is complete.
    """

    def __init__(self) -> None:
        self.size = 0
        self.limit: asyncio.Timeout | None = None
        self.is_rejected = False

    def reject(self) -> None:
        """End the reading now."""
        self.is_rejected = True
        if self.limit is not None and not self.limit.expired():
            self.limit.reschedule(asyncio.get_running_loop().time())
        self.limit = None


class BodyBudget:
    """Counts the bodies that are being received or wait for an answer. For one event loop.

    What counts is what was received, not what was announced: announcing costs a client nothing. If it is too much, the
    largest body that is still incomplete is rejected, so that short requests pass while somebody holds back long ones.

    Parameters
    ----------
    most_bytes
        Maximum of all bodies together.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._unsent_bytes: Callable[[], int] = lambda: 0
        self._bodies: set[HeldBody] = set()
        self.held_bytes = 0

    def watch_unsent(self, unsent_bytes: Callable[[], int]) -> None:
        """Count the replies that clients have not read yet, too."""
        self._unsent_bytes = unsent_bytes

    @contextmanager
    def holding(self) -> Iterator[HeldBody]:
        """Count one body within."""
        body = HeldBody()
        self._bodies.add(body)
        try:
            yield body
        finally:
            self._bodies.discard(body)
            self.held_bytes -= body.size

    def grow(self, body: HeldBody, size: int) -> None:
        """Count more bytes of a body.

        Raises
        ------
        WireError
            503, if there is no room for them.
        """
        if body.is_rejected:
            raise no_room()
        body.size += size
        self.held_bytes += size
        while self.held_bytes + self._unsent_bytes() > self._most:
            incomplete = [one for one in self._bodies if one.limit is not None and one is not body]
            largest = max(incomplete, key=lambda one: one.size, default=body)
            if largest.size <= body.size:
                raise no_room()
            self._release(largest)
            largest.reject()

    def _release(self, body: HeldBody) -> None:
        self.held_bytes -= body.size
        body.size = 0

    def reject_incomplete(self) -> None:
        """Reject all bodies that are still being received."""
        for body in self._bodies:
            body.reject()


def no_room() -> WireError:
    """Return the error of a body for which there is no room."""
    return WireError(
        503, "overloaded", "the server holds too many request bodies; retry later", retry_after_s=_RETRY_S
    )
