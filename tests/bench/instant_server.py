"""A rerank server that answers every request with the same bytes.

``python instant_server.py DELAY_S DOCUMENTS [STALL_AFTER_S STALL_S]``: it may stop once for a while, as a garbage
collection or a busy neighbour would make it; the query "stall" sets the time for that running.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time


def reply(documents: int) -> bytes:
    """Return a whole reply for that many documents."""
    results = [{"index": i, "relevance_score": 1 - i / (documents + 1)} for i in range(documents)]
    body = json.dumps({"model": "m", "results": results, "usage": {"total_tokens": documents}}).encode()
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )


class Instant(asyncio.Protocol):
    """Waits for whole requests, and for the delay."""

    def __init__(self, delay_s: float, answer: bytes, stall: tuple[float, float] | None) -> None:
        self.delay_s = delay_s
        self.stall = stall
        self.answer = answer
        self.buffer = b""
        self.need = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the line."""
        self.line = transport

    def data_received(self, data: bytes) -> None:
        """Answer once a request is whole; clients send the next one only then."""
        self.buffer += data
        if self.need < 0:
            head, found, _ = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            length = next(x for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:"))
            self.need = len(head) + 4 + int(length.partition(b":")[2])
        if len(self.buffer) >= self.need:
            loop = asyncio.get_running_loop()
            if self.stall is not None and b'"query":"stall"' in self.buffer:
                loop.call_later(self.stall[0], time.sleep, self.stall[1])
            self.buffer, self.need = b"", -1
            loop.call_later(self.delay_s, self.line.write, self.answer)  # type: ignore[attr-defined]


async def main(delay_s: float, documents: int, stall: tuple[float, float] | None) -> None:
    """Serve until killed; print the port."""
    answer = reply(documents)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = await asyncio.get_running_loop().create_server(
        lambda: Instant(delay_s, answer, stall), sock=listener
    )
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    numbers = tuple(map(float, sys.argv[3:]))
    asyncio.run(main(float(sys.argv[1]), int(sys.argv[2]), (numbers[0], numbers[1]) if numbers else None))
