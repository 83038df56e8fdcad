"""A search engine on loopback that speaks ``_search`` with real BM25 scores, and fails on order."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import bm25s
import numpy as np
import orjson
from numpy.typing import NDArray

from evalkit.text_analysis import Analyzer

Answer = tuple[int, Any, Mapping[str, str]]
"""Status, body and headers of a reply."""


@dataclass(slots=True)
class Index:
    """Documents of an engine, in the order in which it holds them; ties come in that order.

    Attributes
    ----------
    ids, texts
        The documents.
    window
        Most documents of one reply.
    id_sorts
        Whether sorting by ``_id`` is allowed.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    window: int = 10_000
    id_sorts: bool = True
    _analyzer: Analyzer = field(init=False)
    _bm25: bm25s.BM25 = field(init=False)

    def __post_init__(self) -> None:
        self._analyzer = Analyzer("english")
        self._bm25 = bm25s.BM25(k1=0.9, b=0.4, method="lucene")
        self._bm25.index([self._analyzer.terms(text) for text in self.texts], show_progress=False)

    def scores(self, text: str) -> NDArray[np.float32]:
        """Return ``(d,)`` the score of every document."""
        terms = self._analyzer.terms(text)
        return np.asarray(self._bm25.get_scores(terms)) if terms else np.zeros(len(self.ids), np.float32)

    def search(self, body: Mapping[str, Any]) -> Answer:
        """Answer one request."""
        if body["size"] > self.window:
            return refused(f"Result window is too large, from + size must be <= [{self.window}]")
        text, named = asked_text(body["query"])
        if not set(named) <= {"text", "title"}:
            return refused(f"No mapping found for [{named[0]}]")
        sort = [next(iter(one)) for one in body.get("sort", [])]
        if "_id" in sort and not self.id_sorts:
            return refused("Fielddata access on the _id field is disallowed")
        scores = self.scores(text)
        rows = [row for row in range(len(self.ids)) if scores[row] > 0]
        rows.sort(key=lambda row: self.ids[row] if sort else "", reverse=bool(sort))
        rows.sort(key=lambda row: -scores[row])
        places = {row: [float(scores[row]), self.ids[row]] for row in rows}
        if "search_after" in body:
            score, doc_id = body["search_after"]
            rows = [row for row in rows if (scores[row], self.ids[row]) < (score, doc_id)]
        hits = [self._hit(row, places[row], body, sort) for row in rows[: body["size"]]]
        return 200, good(hits), {}

    def _hit(self, row: int, place: list[Any], body: Mapping[str, Any], sort: list[str]) -> dict[str, Any]:
        named = body.get("docvalue_fields", [])
        own = f"internal-{row}" if named else self.ids[row]
        return {
            "_index": "stand-in",
            "_id": own,
            "_score": place[0],
            **({"fields": {name: [self.ids[row]] for name in named}} if named else {}),
            **({"sort": place} if sort else {}),
        }


def asked_text(query: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the text and the fields of a ``multi_match`` or, in a ``bool``, of a ``match``."""
    if "multi_match" in query:
        asked = query["multi_match"]
        return asked["query"], [name.partition("^")[0] for name in asked["fields"]]
    (name, asked) = next(iter(query["bool"]["must"][0]["match"].items()))
    return asked["query"], [name]


def good(hits: list[dict[str, Any]], failed: int = 0, *, late: bool = False) -> dict[str, Any]:
    """Return the body of an answer; some of five shards may have failed, or run out of time."""
    reason = {"type": "query_shard_exception", "reason": "a disk is gone"}
    shards = {"total": 5, "successful": 5 - failed, "skipped": 0, "failed": failed}
    if failed:
        shards["failures"] = [{"shard": 3, "index": "stand-in", "reason": reason}] * failed  # type: ignore[assignment]
    total = {"value": 10_000, "relation": "gte"}
    return {"took": 1, "timed_out": late, "_shards": shards, "hits": {"total": total, "hits": hits}}


def refused(reason: str, status: int = 400, kind: str = "illegal_argument_exception") -> Answer:
    """Return an error as the engines word it."""
    cause = {"type": kind, "reason": reason}
    whole = {"root_cause": [cause], "type": "search_phase_execution_exception", "reason": "all shards failed"}
    return status, {"error": whole, "status": status}, {}


@dataclass(slots=True)
class Engine:
    """A running engine.

    Attributes
    ----------
    url
        Its address.
    requests
        Path, parameters, headers and body of what it was asked.
    """

    url: str = ""
    requests: list[tuple[str, dict[str, str], dict[str, str], Any]] = field(default_factory=list)


Fault = Callable[[int, Mapping[str, str]], Answer | None]
"""Number of the request and its headers in; what is answered instead of the truth out."""


@contextmanager
def stand_in_search(
    indices: Mapping[str, Index], fault: Fault = lambda _number, _headers: None
) -> Iterator[Engine]:
    """Serve some indices on a free port."""
    engine = Engine()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        """Answers ``POST /<index>/_search``."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else every reply waits 40 ms for the acknowledgement of its head

        def do_POST(self) -> None:
            """Search."""
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                engine.requests.append((parts.path, dict(parse_qsl(parts.query)), headers, body))
                number = len(engine.requests)
            name = parts.path.strip("/").partition("/")[0]
            missing = refused(f"no such index [{name}]", 404, "index_not_found_exception")
            answer = fault(number, headers) or (indices[name].search(body) if name in indices else missing)
            status, reply, more = answer
            content = reply if isinstance(reply, bytes) else orjson.dumps(reply)
            with contextlib.suppress(OSError):  # a client that has heard enough has gone
                self.send_response(status)
                for key, value in {**more, "Content-Length": str(len(content))}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    engine.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield engine
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
