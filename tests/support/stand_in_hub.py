"""A stand-in for the Hugging Face hub on loopback, so that the real loading code runs without one."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote

import orjson
import pyarrow as pa
from pyarrow import parquet
from ruamel.yaml import YAML

Repository = Mapping[str, bytes]
"""Path in the repository -> content."""


def parquet_bytes(columns: Mapping[str, list[Any]]) -> bytes:
    """Return columns as a Parquet file."""
    stream = io.BytesIO()
    parquet.write_table(pa.table(dict(columns)), stream)
    return stream.getvalue()


@contextmanager
def stand_in_hub(
    repositories: Mapping[str, Repository], gated: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Serve dataset repositories; yield the address for ``HF_ENDPOINT``. The files of gated ones are refused."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(repositories, gated))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _handler(repositories: Mapping[str, Repository], gated: frozenset[str] = frozenset()) -> type[HubHandler]:
    return type("Handler", (HubHandler,), {"repositories": repositories, "gated": gated})


class HubHandler(BaseHTTPRequestHandler):
    """Answers the requests that `datasets` makes."""

    repositories: ClassVar[Mapping[str, Repository]]
    gated: ClassVar[frozenset[str]]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every reply waits 40 ms for the acknowledgement of its head

    def do_GET(self) -> None:
        """Answer with headers and body."""
        self._answer()

    def do_HEAD(self) -> None:
        """Answer with headers alone."""
        self._answer()

    def _answer(self) -> None:
        parts = self.path.partition("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "datasets"]:
            self._api("/".join(parts[2:4]), parts[4:])
        elif parts[0] == "datasets" and "resolve" in parts:
            self._file("/".join(parts[1:3]), "/".join(parts[5:]))
        else:
            self._send(404, b"")

    def _api(self, name: str, rest: list[str]) -> None:
        held = self.repositories.get(name)
        if held is None:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif rest and rest[0] == "tree":
            below = unquote("/".join(rest[2:]))
            found = [
                {"type": "file", "path": path, "oid": _oid(data), "size": len(data)}
                for path, data in held.items()
                if path.startswith(f"{below}/" if below else "")
            ]
            self._send(200, orjson.dumps(found))
        else:
            siblings = [{"rfilename": path} for path in held]
            info = {
                "id": name,
                "cardData": _card(held),
                "sha": _sha(name),
                "private": False,
                "gated": False,
                "tags": [],
                "downloads": 0,
            }
            self._send(200, orjson.dumps({**info, "siblings": siblings}))

    def _file(self, name: str, path: str) -> None:
        held = self.repositories.get(name)
        if held is None:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif name in self.gated:
            self._send(403, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": f"{name} is restricted"})
        elif path not in held:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        else:
            headers = {"ETag": f'"{_oid(held[path])}"', "X-Repo-Commit": _sha(name)}
            self._send(200, held[path], headers)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _card(held: Repository) -> dict[str, Any]:
    """Return what the head of a repository's README says."""
    parts = held.get("README.md", b"").decode().split("---\n")
    return YAML(typ="safe", pure=True).load(parts[1]) if len(parts) > 2 else {}


def _sha(name: str) -> str:
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


def _oid(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
