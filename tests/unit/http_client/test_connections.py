"""Connections that several threads use, and that somebody closes."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.raw_server import raw_server
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
