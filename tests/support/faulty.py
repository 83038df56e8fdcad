"""A rerank server over raw sockets that misbehaves on order, byte for byte."""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

Scorer = Callable[[str, str], float]


def hashed_score(query: str, document: str) -> float:
    """Return a score in 0..1 with all its bits in use: the pair alone decides it."""
    digest = hashlib.sha256(f"{query}\0{document}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def results_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the honest results of a request, best first."""
    scores = [hashed_score(body["query"], text) for text in body["documents"]]
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    return [{"index": i, "relevance_score": scores[i]} for i in order]


def reply_of(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return an honest reply, with changes."""
    reply = {"model": body["model"], "results": results_of(body), "usage": {"total_tokens": 7}}
    return {**reply, **changes}


@dataclass
class Visit:
    """One request in the hands of a fault: what was asked, and the line to answer on."""

    body: dict[str, Any]
    line: socket.socket
    headers: dict[str, str]
    open: bool = True

    def send(self, raw: bytes) -> None:
        """Send bytes as they are."""
        self.line.sendall(raw)

    def answer(self, content: bytes, status: str = "200 OK", **headers: str) -> None:
        """Send a whole reply."""
        named = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        named |= {key.replace("_", "-"): value for key, value in headers.items()}
        head = "".join(f"{key}: {value}\r\n" for key, value in named.items() if value)
        self.send(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + content)

    def honest(self) -> bytes:
        """Return the whole honest reply as bytes on the wire."""
        content = orjson.dumps(reply_of(self.body))
        return f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content

    def hang_up(self, *, rudely: bool = False) -> None:
        """Close the line: politely, or with a reset."""
        if rudely:
            self.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.line.close()
        self.open = False


Fault = Callable[[Visit], None]


def honestly(visit: Visit) -> None:
    """Answer as one should."""
    visit.send(visit.honest())


@dataclass
class FaultyServer:
    """Misbehaves for one query, the first `times` times it is asked for two documents or more.

    Attributes
    ----------
    fault
        What it does then.
    victim
        The query.
    times
        How often; None for ever.
    asked
        Query -> how often it was asked for two documents or more.
    keys
        Values of the ``Authorization`` and ``Idempotency-Key`` headers that came.
    """

    fault: Fault
    victim: str
    times: int | None = None
    asked: Counter[str] = field(default_factory=Counter)
    keys: list[tuple[str, str]] = field(default_factory=list)

    def visit(self, visit: Visit) -> None:
        """Answer one request."""
        query = visit.body["query"]
        self.keys.append((visit.headers.get("authorization", ""), visit.headers.get("idempotency-key", "")))
        if len(visit.body["documents"]) > 1:
            self.asked[query] += 1
        struck = query == self.victim and len(visit.body["documents"]) > 1
        if struck and (self.times is None or self.asked[query] <= self.times):
            self.fault(visit)
        else:
            honestly(visit)

    def serve(self, line: socket.socket) -> None:
        """Answer requests on one connection until it closes."""
        stream = line.makefile("rb")
        try:
            while stream.readline():
                headers: dict[str, str] = {}
                while header := stream.readline().strip():
                    name, _, value = header.decode("latin-1").partition(":")
                    headers[name.strip().lower()] = value.strip()
                body = orjson.loads(stream.read(int(headers["content-length"])))
                visit = Visit(body, line, headers)
                self.visit(visit)
                if not visit.open:
                    return
        except OSError:
            return
        finally:
            stream.close()
            line.close()

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve on a free port; yield the address."""
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(0.1)
        over = threading.Event()

        def accept() -> None:
            """Take connections until it is over."""
            while not over.is_set():
                try:
                    line, _ = listener.accept()
                except TimeoutError:
                    continue
                line.settimeout(20)
                threading.Thread(target=self.serve, args=(line,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1/rerank"
        finally:
            over.set()
            thread.join()
            listener.close()


def drip(visit: Visit, raw: bytes, pause_s: float) -> None:
    """Send a reply a few bytes at a time."""
    for start in range(0, len(raw), 4):
        try:
            visit.send(raw[start : start + 4])
        except OSError:
            visit.open = False
            return
        time.sleep(pause_s)
