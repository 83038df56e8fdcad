"""A rerank server on loopback that says exactly what a test tells it to."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from support.faulty import hashed_score

Answer = Callable[[Any, dict[str, str]], tuple[int, bytes] | tuple[int, bytes, dict[str, str]]]
"""Request body and headers in; status, reply body and perhaps further headers out."""


def by_length(body: Any, _headers: dict[str, str]) -> tuple[int, bytes]:
    """Score every document by its length, and those of one length by the query: an honest, deterministic server."""
    results = [
        {"index": i, "relevance_score": (len(text) + hashed_score(body.get("query", ""), text)) / 1000}
        for i, text in enumerate(body["documents"])
    ]
    results.sort(key=lambda r: (-r["relevance_score"], r["index"]))
    reply = {"model": body["model"], "results": results, "usage": {"total_tokens": 7}}
    return 200, orjson.dumps(reply)


@contextmanager
def stand_in(answer: Answer) -> Iterator[str]:
    """Serve `answer` on a free port; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        """Hands every request to `answer`."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else every reply waits 40 ms for the acknowledgement of its head

        def do_POST(self) -> None:
            """Pass the request to `answer`."""
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            more: list[dict[str, str]] = []
            try:
                status, reply, *more = answer(
                    orjson.loads(raw), {k.lower(): v for k, v in self.headers.items()}
                )
            except orjson.JSONDecodeError:
                status, reply = 400, b'{"error": {"message": "not JSON"}}'
            self.send_response(status)
            self.send_header("Content-Length", str(len(reply)))
            for name, value in {"X-Processing-Time-Ms": "12.5", **(more[0] if more else {})}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):  # a client that was stopped has gone
                self.wfile.write(reply)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/rerank"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
