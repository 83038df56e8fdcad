"""Steps of an exchange within its limits."""

from __future__ import annotations

import socket
import time

import httpcore
import pytest
from support.raw_server import raw_server

from evalkit.http_client import bounded_network
from evalkit.http_client.bounded_network import (
    BoundedBackend,
    BoundedStream,
    ExchangeLimits,
    ReplyTooLongError,
)


def started(seconds: float, max_bytes: int = 1000) -> ExchangeLimits:
    """Return limits of an exchange that ends in `seconds`."""
    limits = ExchangeLimits(max_bytes)
    limits.start(time.perf_counter() + seconds)
    return limits


def test_a_step_gets_what_is_left() -> None:
    """The shorter of its own timeout and the time to the deadline; nothing after the deadline."""
    assert started(100).left_s(1) == 1
    assert 99 < started(100).left_s(None) <= 100
    with pytest.raises(TimeoutError):
        started(-1).left_s(1)


def test_bytes_count_for_each_exchange_anew() -> None:
    """The last byte that is allowed is received, one more is not."""
    limits = started(100, 10)
    limits.count(10)
    with pytest.raises(ReplyTooLongError):
        limits.count(1)
    limits.start(time.perf_counter() + 100)
    limits.count(10)


def test_the_first_address_that_answers_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that times out has its share of the time alone, and leaves the rest to the others."""
    tried: list[tuple[str, float]] = []
    left, right = socket.socketpair()

    def connect(address: tuple[str, int], timeout: float, _source: object) -> socket.socket:
        tried.append((address[0], timeout))
        if address[0] == "2001:db8::1":
            raise TimeoutError
        if address[0] == "192.0.2.1":
            raise ConnectionRefusedError(111, "Connection refused")
        return left

    found = [(0, 1, 6, "", (host, 80)) for host in ("2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.3")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr(socket.socket, "setsockopt", lambda *_: None)
    stream = BoundedBackend(started(100)).connect_tcp("a.invalid", 80, 8.0)
    assert [host for host, _ in tried] == ["2001:db8::1", "192.0.2.1", "192.0.2.2"]
    assert tried[0][1] <= 2
    stream.close()
    right.close()


def test_no_address_that_answers_is_the_last_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused, unknown, no valid name."""
    backend = BoundedBackend(started(100))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(httpcore.ConnectError, match="Connection refused"):
        backend.connect_tcp("127.0.0.1", port, 5.0)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    with pytest.raises(httpcore.ConnectError, match="no address is known"):
        backend.connect_tcp("a.invalid", 80, 5.0)

    def not_idna(*_: object, **__: object) -> None:
        raise UnicodeError("label too long")

    monkeypatch.setattr(socket, "getaddrinfo", not_idna)
    with pytest.raises(httpcore.ConnectError, match="is not a valid host name"):
        backend.connect_tcp("a" * 70 + ".invalid", 80, 5.0)


def test_a_stream_tells_what_httpcore_asks() -> None:
    """Whether there is something to read, its addresses, and that it is not TLS."""
    with raw_server(lambda line: line.sendall(b"x")) as port:
        stream = BoundedBackend(started(100)).connect_tcp("127.0.0.1", port, 5.0)
        assert stream.get_extra_info("server_addr") == ("127.0.0.1", port)
        assert stream.get_extra_info("client_addr")[0] == "127.0.0.1"
        assert stream.get_extra_info("ssl_object") is None
        assert stream.get_extra_info("nothing") is None
        assert stream.read(10) == b"x"
        assert stream.read(10) == b""
        assert stream.get_extra_info("is_readable")
        stream.close()
        assert stream.get_extra_info("is_readable")


def test_tls_where_none_is_expected_is_named() -> None:
    """The first bytes of a TLS alert are no status line."""
    left, right = socket.socketpair()
    right.sendall(b"\x15\x03\x01\x00\x02\x02\x46")
    with pytest.raises(httpcore.RemoteProtocolError, match="replied in TLS"):
        BoundedStream(left, started(100)).read(100)
    left.close()
    right.close()


@pytest.mark.parametrize("shift_s", [-1000.0, 0.0, 1000.0, None])
def test_no_arrival_is_before_the_request_or_in_the_future(
    monkeypatch: pytest.MonkeyPatch, shift_s: float | None
) -> None:
    """The system's clock may have been set while a reply was on its way; without a note, it arrives when it is read."""

    def arrive(sock: socket.socket, most: int) -> tuple[bytes, float | None]:
        """Read, and note an arrival that is wrong by so much."""
        return sock.recv(most), None if shift_s is None else time.perf_counter() + shift_s

    monkeypatch.setattr(bounded_network, "asks_for_arrivals", lambda _: True)
    monkeypatch.setattr(bounded_network, "receive", arrive)
    with raw_server(lambda line: line.sendall(line.recv(10))) as port:
        stream = BoundedBackend(started(100)).connect_tcp("127.0.0.1", port, 5.0)
        before_s = time.perf_counter()
        stream.write(b"x")
        assert stream.read(10) == b"x"
        after_s = time.perf_counter()
        stream.close()
    assert before_s <= stream.began_s <= stream.received_s <= after_s
    assert stream.is_noted == (shift_s is not None)
    assert (stream.received_s == stream.began_s) == (shift_s == -1000)


def test_a_peer_that_takes_a_few_bytes_at_a_time_gets_all_of_them() -> None:
    """The request is not sent in one step then; it has a limit of time nevertheless."""
    sent = bytes(range(256)) * 40_000

    def script(line: socket.socket) -> None:
        """Read slowly, and answer with the number of bytes."""
        time.sleep(0.05)
        left = len(sent)
        while left:
            left -= len(line.recv(65536))
        line.sendall(b"all")

    with raw_server(script) as port:
        stream = BoundedBackend(started(100)).connect_tcp("127.0.0.1", port, 5.0)
        stream.write(b"")
        assert not stream.sent_at_once
        stream.write(sent)
        assert not stream.sent_at_once
        assert stream.read(10) == b"all"
        stream.close()
    with raw_server(lambda _: time.sleep(2)) as port:
        stream = BoundedBackend(started(0.2)).connect_tcp("127.0.0.1", port, 5.0)
        with pytest.raises(httpcore.WriteTimeout):
            stream.write(sent)
        stream.close()


def test_a_small_request_is_sent_at_once() -> None:
    """No wait lies in it."""
    with raw_server(lambda line: line.recv(10)) as port:
        stream = BoundedBackend(started(100)).connect_tcp("127.0.0.1", port, 5.0)
        stream.write(b"x")
        assert stream.sent_at_once
        stream.close()
