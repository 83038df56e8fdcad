"""The comments of a pull request, in a stand-in for GitHub's API on loopback."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

TOKEN = "a-token"
REPOSITORY = "someone/search"
NUMBER = 7
_ISSUES = f"/repos/{REPOSITORY}/issues"


def comment(number: int, body: str, kind: str = "User", association: str = "NONE") -> dict[str, Any]:
    """Return a comment as GitHub does."""
    return {"id": number, "body": body, "user": {"type": kind}, "author_association": association}


@dataclass
class GithubApi:
    """The comments, and what was done to them.

    Attributes
    ----------
    comments
        Oldest first.
    changes
        Method and path of every request that was not a GET.
    read_only
        Whether the token may not write, as in pull requests from forks.
    """

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    read_only: bool = False

    def answer(self, method: str, path: str, token: str | None, body: Any) -> tuple[int, Any]:
        """Return status and reply of a request."""
        place = urlsplit(path)
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        if method == "GET" and place.path == f"{_ISSUES}/{NUMBER}/comments":
            query = {name: int(values[0]) for name, values in parse_qs(place.query).items()}
            start = (query["page"] - 1) * query["per_page"]
            return 200, self.comments[start : start + query["per_page"]]
        self.changes.append(f"{method} {place.path.removeprefix(_ISSUES)}")
        if self.read_only:
            return 403, {"message": "Resource not accessible by integration"}
        if method == "POST" and place.path == f"{_ISSUES}/{NUMBER}/comments":
            self.comments.append(comment(1000 + len(self.comments), body["body"], "Bot"))
            return 201, self.comments[-1]
        found = re.fullmatch(rf"{_ISSUES}/comments/(\d+)", place.path)
        assert found, path
        assert method == "PATCH"
        (one,) = (one for one in self.comments if one["id"] == int(found[1]))
        one["body"] = body["body"]
        return 200, one


@contextmanager
def github_api() -> Iterator[GithubApi]:
    """Serve a pull request without comments."""
    api = GithubApi()

    class Handler(BaseHTTPRequestHandler):
        """Hands every request to the API."""

        def _respond(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = orjson.loads(raw) if raw else None
            status, reply = api.answer(self.command, self.path, self.headers["Authorization"], body)
            content = orjson.dumps(reply)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            """List comments."""
            self._respond()

        def do_POST(self) -> None:
            """Add a comment."""
            self._respond()

        def do_PATCH(self) -> None:
            """Change a comment."""
            self._respond()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
