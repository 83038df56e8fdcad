"""A rerank server that answers every request with the same bytes, at little cost.

``python instant_server.py DELAY_S DOCUMENTS [STALL_AFTER_S STALL_S]``: it may stop once for a while, as a garbage
collection or a busy neighbour would make it; the query "stall" sets the time for that running. Each connection has a
thread that waits in the kernel for whole requests, so that a request costs three system calls and no event loop.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
import time

_HEAD_BYTES = 64 * 1024


def reply(documents: int) -> bytes:
    """Return a whole reply for that many documents."""
    results = [{"index": i, "relevance_score": 1 - i / (documents + 1)} for i in range(documents)]
    body = json.dumps({"model": "m", "results": results, "usage": {"total_tokens": documents}}).encode()
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )


class Instant:
    """Answers the requests of each connection, one after the other."""

    def __init__(self, delay_s: float, answer: bytes, stall: tuple[float, float] | None) -> None:
        self.delay_s = delay_s
        self.stall = stall
        self.answer = answer
        self.stalled_s = (0.0, 0.0)

    def serve(self, line: socket.socket) -> None:
        """Answer until the client goes."""
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        rest = bytearray(1 << 20)
        with line, contextlib.suppress(OSError):
            while data := line.recv(_HEAD_BYTES):
                head, found, body = data.partition(b"\r\n\r\n")
                while not found:
                    data += line.recv(_HEAD_BYTES)
                    head, found, body = data.partition(b"\r\n\r\n")
                left = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]) - len(body)
                if left > 0:
                    line.recv_into(memoryview(rest)[:left], left, socket.MSG_WAITALL)
                self.wait(body)
                line.sendall(self.answer)

    def wait(self, body: bytes) -> None:
        """Wait for the delay, and for the end of a stall."""
        if self.stall is not None and b'"query":"stall"' in body:
            begin_s = time.monotonic() + self.stall[0]
            self.stalled_s = begin_s, begin_s + self.stall[1]
        if self.delay_s:
            time.sleep(self.delay_s)
        now_s, (begin_s, end_s) = time.monotonic(), self.stalled_s
        if begin_s <= now_s < end_s:
            time.sleep(end_s - now_s)


def main(delay_s: float, documents: int, stall: tuple[float, float] | None) -> None:
    """Serve until killed; print the port."""
    instant = Instant(delay_s, reply(documents), stall)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            line, _ = listener.accept()
            threading.Thread(target=instant.serve, args=(line,), daemon=True).start()


if __name__ == "__main__":
    numbers = tuple(map(float, sys.argv[3:]))
    main(float(sys.argv[1]), int(sys.argv[2]), (numbers[0], numbers[1]) if numbers else None)
