"""The exchanges of one thread: their times, and which way they take."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx
import pytest
from support.raw_server import raw_server, whole_requests, without_proxies

from evalkit.http_client.http_exchange import Exchange
from evalkit.http_client.thread_client import Body, ThreadClient


@contextmanager
def client(limit_s: float = 10.0) -> Iterator[ThreadClient]:
    """Yield a client whose exchanges end in so many seconds."""
    with closing(ThreadClient({}, httpx.Timeout(limit_s, connect=5.0), None, 1 << 20)) as made:
        made.limits.start(time.perf_counter() + limit_s)
        yield made


def read(body: Body) -> bytes:
    """Return the whole body."""
    return b"".join(body.parts)


def post(made: ThreadClient, url: str) -> Exchange:
    """Send a request."""
    return made.exchange("POST", url, b"{}", {}, read)


def in_steps(line: socket.socket) -> None:
    """Send headers after 50 ms, and the body in two parts 50 ms after each other."""
    while line.recv(65536):
        time.sleep(0.05)
        line.sendall(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\n")
        for part in (b"o", b"k"):
            time.sleep(0.05)
            line.sendall(part)


def test_each_step_of_an_exchange_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent, headers and body: the waits of the server lie between them."""
    without_proxies(monkeypatch)
    with raw_server(in_steps) as port, client() as made:
        first, second = (post(made, f"http://127.0.0.1:{port}/") for _ in range(2))
    assert (first.status, first.content, first.headers["x-a"]) == (200, b"ok", "1, 2")
    assert (first.reused, second.reused) == (False, True)
    for one in (first, second):
        assert one.start_s <= one.sent_s
        assert one.headers_s - one.sent_s >= 0.045
        assert one.body_s - one.headers_s >= 0.09


def test_a_body_that_cannot_be_used_closes_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of it would answer the next request."""
    without_proxies(monkeypatch)

    def refuse(body: Body) -> bytes:
        """Read a part and fail."""
        next(iter(body.parts))
        raise ValueError(body.status)

    with raw_server(in_steps) as port, client() as made:
        url = f"http://127.0.0.1:{port}/"
        with pytest.raises(ValueError, match="200"):
            made.exchange("POST", url, b"{}", {}, refuse)
        assert post(made, url).reused is False


def test_errors_are_those_of_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused, cut off and late, as with a proxy."""
    without_proxies(monkeypatch)
    with client() as made, socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.close()
        with pytest.raises(httpx.ConnectError):
            post(made, f"http://127.0.0.1:{port}/")

    def cut_off(line: socket.socket) -> None:
        """Close the connection in the body."""
        line.recv(65536)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")

    with raw_server(cut_off) as port, client() as made, pytest.raises(httpx.RemoteProtocolError):
        post(made, f"http://127.0.0.1:{port}/")
    with raw_server(in_steps) as port, client(0.02) as made, pytest.raises(httpx.ReadTimeout):
        post(made, f"http://127.0.0.1:{port}/")


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets the whole address; times and headers are as in a direct exchange."""
    asked: list[bytes] = []

    def proxy(line: socket.socket) -> None:
        """Answer in the place of the server."""
        for request in whole_requests(line):
            asked.append(request.partition(b"\r\n")[0])
            line.sendall(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok")

    with raw_server(proxy) as port:
        without_proxies(
            monkeypatch, HTTP_PROXY=f"http://127.0.0.1:{port}", http_proxy=f"http://127.0.0.1:{port}"
        )
        with client() as made:
            found = [post(made, "http://rerank.example/v1") for _ in range(2)]
    assert asked[0] == b"POST http://rerank.example/v1 HTTP/1.1"
    assert [(one.status, one.content, one.headers["x-a"]) for one in found] == [(200, b"ok", "1")] * 2
    assert [one.reused for one in found] == [False, True]
    assert all(one.start_s <= one.sent_s <= one.headers_s <= one.body_s for one in found)
