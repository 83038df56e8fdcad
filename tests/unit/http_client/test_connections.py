"""Connections that several threads use, and that somebody closes."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.raw_server import certificate, raw_server, without_proxies
from support.stand_in import stand_in

from evalkit.errors import CallError
from evalkit.http_client import Connections, Redactor


def test_closing_waits_for_no_one_and_leaves_nothing_open() -> None:
    """A call in flight gets its whole reply and is closed by its own thread; later ones are refused by name."""
    asked, leave = threading.Event(), threading.Event()

    def answer(_body: Any, _headers: dict[str, str]) -> tuple[int, bytes]:
        asked.set()
        assert leave.wait(20)
        return 200, b'{"whole": true}'

    with stand_in(answer) as url, ThreadPoolExecutor(1) as pool:
        connections = Connections(url, {}, 5.0, 20.0, Redactor(None))
        call = pool.submit(connections.post, b"{}")
        assert asked.wait(20)
        connections.close()
        leave.set()
        assert call.result(20).content == b'{"whole": true}'
        assert all(client.is_closed for client in connections._clients)
        with pytest.raises(CallError, match="are closed"):
            pool.submit(connections.post, b"{}").result(20)


def test_a_byte_order_mark_is_no_part_of_a_reply() -> None:
    """No JSON begins with it."""
    with stand_in(lambda *_: (200, b"\xef\xbb\xbf{}")) as url:
        connections = Connections(url, {}, 5.0, 5.0, Redactor())
        assert connections.post(b"{}").content == b"{}"
        connections.close()


def test_the_latency_stations_are_those_of_the_last_bytes() -> None:
    """Sent, headers, body: in this order, for a new connection and for one that is used again."""

    def slowly(line: socket.socket) -> None:
        for _ in range(2):
            line.recv(65536)
            time.sleep(0.05)
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
            time.sleep(0.05)
            line.sendall(b"{}")

    with raw_server(slowly) as port:
        connections = Connections(f"http://127.0.0.1:{port}/", {}, 5.0, 20.0, Redactor(None))
        start_s = time.perf_counter()
        first, second = connections.post(b"{}"), connections.post(b"{}")
        connections.close()
    assert (first.reused, second.reused) == (False, True)
    for exchange, before_s in ((first, start_s), (second, first.body_s)):
        assert before_s < exchange.sent_s < exchange.headers_s < exchange.body_s


def test_an_exchange_ends_at_the_deadline_of_its_caller() -> None:
    """Several exchanges of one call share one deadline; one that has passed sends nothing."""
    with raw_server(lambda line: line.recv(65536) and time.sleep(2)) as port:  # type: ignore[func-returns-value]
        connections = Connections(f"http://127.0.0.1:{port}/", {}, 5.0, 20.0, Redactor(None))
        for left_s in (0.2, -1.0):
            with pytest.raises(CallError, match="timed out after 20 s"):
                connections.exchange("GET", connections.url, None, deadline_s=time.perf_counter() + left_s)
        connections.close()


def test_a_cookie_is_kept_whatever_the_other_headers_are() -> None:
    """Headers may have any bytes; the next request of the thread carries the cookie."""
    requests: list[bytes] = []

    def answers(line: socket.socket) -> None:
        for _ in range(2):
            requests.append(line.recv(65536))
            line.sendall(
                "HTTP/1.1 200 OK\r\nX-Server: Müller\r\nSet-Cookie: s=é1\r\nSet-Cookie: t=2\r\n".encode()
                + b"Content-Length: 2\r\n\r\n{}"
            )

    with raw_server(answers) as port:
        connections = Connections(f"http://127.0.0.1:{port}/", {}, 5.0, 20.0, Redactor(None))
        for _ in range(2):
            assert connections.post(b"{}").content == b"{}"
        connections.close()
    first, second = (request.lower() for request in requests)
    assert b"cookie" not in first
    assert b"t=2" in second


def test_bytes_after_a_reply_over_tls_are_no_reply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS has decrypted them already, so that the system shows nothing to read: the connection is not used again."""
    crt, key = certificate(tmp_path, "localhost")
    without_proxies(monkeypatch, SSL_CERT_FILE=str(crt))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)

    def answers(line: socket.socket) -> None:
        with context.wrap_socket(line, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
            secure.sendall(b"true" + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfalse")
            secure.recv(65536)

    with raw_server(answers) as port:
        connections = Connections(f"https://localhost:{port}/", {}, 5.0, 20.0, Redactor(None))
        found = [connections.post(b"{}") for _ in range(2)]
        connections.close()
    assert [exchange.content for exchange in found] == [b"true", b"true"]
    assert not found[1].reused
