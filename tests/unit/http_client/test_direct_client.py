"""Exchanges with real servers: bodies in every form, connections that are kept, and those that must not be."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest
from support.raw_server import Script, certificate, raw_server

from evalkit.http_client import bounded_network
from evalkit.http_client.bounded_network import BoundedStream, ExchangeLimits, ReplyTooLongError
from evalkit.http_client.direct_client import DirectClient

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def client(
    limit_s: float = 10.0, context: ssl.SSLContext | None = None, most_bytes: int = 1 << 20
) -> Iterator[DirectClient]:
    """Yield a client whose exchanges end in so many seconds."""
    limits = ExchangeLimits(most_bytes)
    limits.start(time.perf_counter() + limit_s)
    with closing(DirectClient({"X-A": "1"}, context, limits, 5.0)) as made:
        yield made


def exchange(made: DirectClient, url: str, body: bytes = b"{}") -> tuple[int, bytes, bool]:
    """Return status, body, and whether the connection had been used before."""
    sent = made.send("POST", url, body, {})
    try:
        content = b"".join(sent.reply.parts)
    finally:
        made.finish(sent)
    return sent.reply.status, content, sent.reused


def answering(*replies: bytes, then: Callable[[socket.socket], object] = lambda _: None) -> Script:
    """Answer one request after the other on a connection, then close it."""

    def script(line: socket.socket) -> None:
        """Answer as many requests as there are replies."""
        for reply in replies:
            if not line.recv(65536):
                return
            line.sendall(reply)
        then(line)

    return script


def slowly(line: socket.socket) -> None:
    """Answer one byte at a time."""
    line.recv(65536)
    for place in range(len(OK)):
        line.sendall(OK[place : place + 1])
        time.sleep(0.002)


def test_a_connection_is_kept_for_the_next_exchange() -> None:
    """The second reply is that to the second request."""
    with raw_server(answering(OK, OK.replace(b"ok", b"no"))) as port, client() as made:
        url = f"http://127.0.0.1:{port}/"
        assert exchange(made, url) == (200, b"ok", False)
        assert exchange(made, url) == (200, b"no", True)


class HeldUp:
    """A thread that resumes late: from asking whether its connection is usable, and from waiting for a reply.

    Attributes
    ----------
    answered
        Set by a server when a reply is on its way.
    usable_s, arrived_s
        When both waits ended.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answered = threading.Event()
        self.usable_s = self.arrived_s = 0.0
        ask, wait = bounded_network._is_readable, BoundedStream._receive

        def is_readable(sock: socket.socket) -> bool:
            """Return late."""
            found = ask(sock)
            time.sleep(0.02)
            self.usable_s = time.perf_counter()
            return found

        def receive(stream: BoundedStream, *arguments: Any) -> tuple[bytes, float | None]:
            """Begin late, when the reply is here."""
            assert self.answered.wait(20)
            time.sleep(0.02)
            self.answered.clear()
            self.arrived_s = time.perf_counter()
            return wait(stream, *arguments)

        monkeypatch.setattr(bounded_network, "_is_readable", is_readable)
        monkeypatch.setattr(BoundedStream, "_receive", receive)

    def answer(self, line: socket.socket) -> None:
        """Answer every request, and say so."""
        while line.recv(65536):
            line.sendall(OK)
            self.answered.set()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not note arrivals")
def test_a_thread_that_resumes_late_changes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exchange begins after what this process does before it, and ends when the reply is here."""
    held = HeldUp(monkeypatch)
    with raw_server(held.answer) as port, client() as made:
        url = f"http://127.0.0.1:{port}/"
        exchange(made, url)
        sent = made.send("POST", url, b"{}", {})
        assert b"".join(sent.reply.parts) == b"ok"
        made.finish(sent)
    assert sent.reused
    assert held.usable_s <= sent.start_s <= sent.sent_s <= sent.reply.headers_s
    assert sent.reply.headers_s == sent.reply.body_s < held.arrived_s
    assert sent.harness_delay_s == 0


def test_a_wait_that_may_be_in_the_times_is_not_denied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With TLS, a reply ends when the thread resumed; a new connection is waited for."""
    held = HeldUp(monkeypatch)
    crt, key = certificate(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)

    def script(line: socket.socket) -> None:
        """Answer in TLS."""
        with context.wrap_socket(line, server_side=True) as secured:
            held.answer(secured)

    with (
        raw_server(script) as port,
        client(context=ssl.create_default_context(cafile=str(crt))) as made,
    ):
        sents = []
        for _ in range(2):
            sents.append(made.send("POST", f"https://localhost:{port}/", b"{}", {}))
            assert b"".join(sents[-1].reply.parts) == b"ok"
            made.finish(sents[-1])
    assert sents[1].reply.body_s >= held.arrived_s
    with raw_server(held.answer) as port, client() as made:
        sents.append(made.send("POST", f"http://127.0.0.1:{port}/", b"{}", {}))
        made.finish(sents[-1])
    assert [(sent.reused, sent.harness_delay_s) for sent in sents] == [
        (False, None),
        (True, None),
        (False, None),
    ]


def test_a_slow_reply_is_read_to_its_end() -> None:
    """However small the pieces are."""
    with raw_server(slowly) as port, client() as made:
        assert exchange(made, f"http://127.0.0.1:{port}/")[:2] == (200, b"ok")


def test_a_chunked_reply_is_read_and_its_connection_kept() -> None:
    """Servers that do not know the length beforehand send chunks."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n"
    with raw_server(answering(chunked, chunked)) as port, client() as made:
        found = [exchange(made, f"http://127.0.0.1:{port}/") for _ in range(2)]
    assert found == [(200, b"ok", False), (200, b"ok", True)]


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"",
    ],
)
def test_a_connection_that_closes_too_early_is_an_error(reply: bytes) -> None:
    """In the body, in the headers, or before them."""
    with (
        raw_server(answering(reply)) as port,
        client() as made,
        pytest.raises(httpcore.RemoteProtocolError, match=r"without sending"),
    ):
        exchange(made, f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("junk", [b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", b"junk", b"\r\n\r\nx"])
@pytest.mark.parametrize("pause_s", [0.0, 0.05])
def test_bytes_after_a_reply_never_answer_the_next_request(junk: bytes, pause_s: float) -> None:
    """Whether they come with the reply or later: the next request has a connection of its own."""

    def script(line: socket.socket) -> None:
        """Answer, send more, and wait until the client goes."""
        line.recv(65536)
        line.sendall(OK if pause_s else OK + junk)
        if pause_s:
            time.sleep(pause_s)
            line.sendall(junk)
        while line.recv(65536):
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")

    with raw_server(script) as port, client() as made:
        url = f"http://127.0.0.1:{port}/"
        assert exchange(made, url) == (200, b"ok", False)
        time.sleep(4 * pause_s)
        assert exchange(made, url) == (200, b"ok", False)


def test_a_connection_that_the_server_closed_is_replaced() -> None:
    """Servers close connections that are idle."""
    with raw_server(answering(OK)) as port, client() as made:
        url = f"http://127.0.0.1:{port}/"
        assert exchange(made, url)[2] is False
        time.sleep(0.2)
        assert exchange(made, url) == (200, b"ok", False)


def test_a_server_that_sends_nothing_ends_at_the_deadline() -> None:
    """Its connection is not used again."""
    with (
        raw_server(
            answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", then=lambda _: time.sleep(2))
        ) as port,
        client(0.3) as made,
        pytest.raises(httpcore.ReadTimeout),
    ):
        exchange(made, f"http://127.0.0.1:{port}/")


def test_an_endless_reply_ends_at_the_limit_of_bytes() -> None:
    """A chunked body names no length beforehand."""

    def script(line: socket.socket) -> None:
        """Send chunks until the client goes."""
        line.recv(65536)
        line.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            line.sendall(b"400\r\n" + b"a" * 1024 + b"\r\n")

    with raw_server(script) as port, client(most_bytes=50_000) as made, pytest.raises(ReplyTooLongError):
        exchange(made, f"http://127.0.0.1:{port}/")


def test_a_refusal_before_the_request_was_read_is_a_reply() -> None:
    """A server may close a connection whose request is too long, after it has said why."""
    refusal = b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

    def script(line: socket.socket) -> None:
        """Refuse after the first bytes, and read the rest so that the reply is not lost."""
        line.recv(1024)
        line.sendall(refusal)
        line.shutdown(socket.SHUT_WR)
        while line.recv(65536):
            pass

    with raw_server(script) as port, client() as made:
        assert exchange(made, f"http://127.0.0.1:{port}/", b"a" * (4 << 20))[0] == 413


def test_an_exchange_over_tls_keeps_its_connection(tmp_path: Path) -> None:
    """The certificate is checked against the name of the host."""
    crt, key = certificate(tmp_path, "localhost")
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(crt, key)

    def script(line: socket.socket) -> None:
        """Answer two requests over TLS."""
        with served.wrap_socket(line, server_side=True) as secure:
            answering(OK, OK)(secure)

    trusted = ssl.create_default_context(cafile=str(crt))
    with raw_server(script) as port:
        with client(context=trusted) as made:
            found = [exchange(made, f"https://localhost:{port}/") for _ in range(2)]
        assert found == [(200, b"ok", False), (200, b"ok", True)]
        with client(context=ssl.create_default_context()) as other, pytest.raises(httpcore.ConnectError):
            exchange(other, f"https://localhost:{port}/")


def test_headers_that_no_request_may_have_are_not_sent() -> None:
    """A line break in a value would begin another header."""
    with raw_server(answering(OK)) as port, client() as made, pytest.raises(httpcore.LocalProtocolError):
        made.send("POST", f"http://127.0.0.1:{port}/", b"{}", {"X-B": "1\r\nX-C: 2"})


def test_an_address_of_another_scheme_is_refused() -> None:
    """Only HTTP and HTTPS are spoken."""
    with client() as made, pytest.raises(httpx.UnsupportedProtocol):
        made.send("POST", "ftp://127.0.0.1/", b"{}", {})
