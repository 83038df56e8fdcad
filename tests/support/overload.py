"""More requests than a service can bear, sent at a fixed rate whatever becomes of the others, with idle connections."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

_GIVE_UP_S = 150.0
"""Longer than any reply may take."""
_REOPEN_S = 2.0
_HALF_HEAD = b"POST /v1/rerank HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: "


@dataclass
class Overload:
    """What came of it.

    Attributes
    ----------
    statuses
        Status of a reply, or the name of the exception that came instead -> number of requests.
    without_retry_after
        Replies of status 429 or 503 that do not say when to try again.
    reopened
        Idle connections that the service closed, and that were opened again.
    memory_mb
        Memory of the service, in MB, at intervals.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    without_retry_after: int = 0
    reopened: int = 0
    memory_mb: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Load:
    """What is sent.

    Attributes
    ----------
    port
        Where the service listens on 127.0.0.1.
    request
        The bytes of a request.
    per_s, seconds
        Requests a second, and for how long.
    idle
        Number of further connections: every other one sends half a head, the others nothing.
    """

    port: int
    request: bytes
    per_s: float
    seconds: float
    idle: int


def overload(load: Load, memory_mb: Callable[[], float]) -> Overload:
    """Send a load; return what came back once every request has its reply."""
    return asyncio.run(_overload(load, memory_mb))


def median_s(port: int, request: bytes, count: int = 30) -> float:
    """Return the median seconds of requests that are sent one after the other."""

    async def times() -> list[float]:
        """Time each request."""
        taken = []
        for _ in range(count):
            start = time.perf_counter()
            head = await _ask(port, request)
            assert head.startswith(b"HTTP/1.1 200"), head
            taken.append(time.perf_counter() - start)
        return taken

    return statistics.median(asyncio.run(times()))


async def _overload(load: Load, memory_mb: Callable[[], float]) -> Overload:
    found = Overload()
    beside = [asyncio.create_task(_idle(load, found)), asyncio.create_task(_watch(found, memory_mb))]
    await asyncio.sleep(0)
    asked, start = set(), time.monotonic()
    for number in range(int(load.per_s * load.seconds)):
        await asyncio.sleep(max(start + number / load.per_s - time.monotonic(), 0))
        asked.add(asyncio.create_task(_count(load, found)))
    await asyncio.wait(asked, timeout=_GIVE_UP_S)
    for task in beside:
        task.cancel()
    await asyncio.wait(beside)
    return found


async def _watch(found: Overload, memory_mb: Callable[[], float]) -> None:
    while True:
        found.memory_mb.append(memory_mb())
        await asyncio.sleep(0.5)


async def _idle(load: Load, found: Overload) -> None:
    """Keep the idle connections open, and open those again that the service closes."""
    opened: list[_Idle | None] = [None] * load.idle
    began = False
    try:
        while True:
            for number, one in enumerate(opened):
                if one is None or one.is_closed:
                    found.reopened += began
                    opened[number] = await _open_idle(load.port, half=bool(number % 2))
            began = True
            await asyncio.sleep(_REOPEN_S)
    finally:
        for one in opened:
            if one is not None:
                one.transport.abort()


class _Idle(asyncio.Protocol):
    """A connection that sends half a head or nothing, and then waits."""

    def __init__(self, sent: bytes) -> None:
        self._sent = sent
        self.is_closed = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what there is to send."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._sent)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - of asyncio
        """Note the end."""
        self.is_closed = True


async def _open_idle(port: int, *, half: bool) -> _Idle | None:
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        return (await loop.create_connection(lambda: _Idle(_HALF_HEAD if half else b""), "127.0.0.1", port))[
            1
        ]
    return None


async def _count(load: Load, found: Overload) -> None:
    try:
        head = await asyncio.wait_for(_ask(load.port, load.request), _GIVE_UP_S)
    except (OSError, EOFError, TimeoutError) as error:
        found.statuses[type(error).__name__] += 1
        return
    status = head.split(b" ", 2)[1].decode()
    found.statuses[status] += 1
    if status in {"429", "503"} and b"retry-after" not in head.lower():
        found.without_retry_after += 1


async def _ask(port: int, request: bytes) -> bytes:
    """Return the head of the reply to a request on a connection of its own; the body is read, too."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        with suppress(ConnectionError):  # what was answered before all was sent is read below
            writer.write(request)
            await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        return head
    finally:
        writer.close()
