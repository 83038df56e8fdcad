"""The operating system notes when bytes arrived, whenever they are read."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat

import pytest

from evalkit.http_client import arrival_times
from evalkit.http_client.arrival_times import asks_for_arrivals, receive

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems note nothing")


@contextmanager
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Yield both ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
    with one, other:
        yield one, other


@on_linux
def test_bytes_arrive_when_they_are_sent_not_when_they_are_read() -> None:
    """In parts of any size: the last byte of each counts. The end has no arrival."""
    with line() as (reader, writer):
        assert asks_for_arrivals(reader)
        sent_s = []
        for _ in range(2):
            sent_s.append(time.perf_counter())
            writer.sendall(b"abc")
            time.sleep(0.02)
        read_s = time.perf_counter()
        for size, from_s, data in ((2, sent_s[0], b"ab"), (9, sent_s[1], b"cabc")):
            found, arrived_s = receive(reader, size)
            assert found == data
            assert arrived_s is not None
            assert from_s <= arrived_s < read_s
        writer.close()
        assert receive(reader, 9) == (b"", None)


def test_a_socket_that_was_not_asked_for_notes_is_read_without() -> None:
    """The bytes are the same."""
    with line() as (reader, writer):
        writer.sendall(b"abc")
        assert receive(reader, 9) == (b"abc", None)


def test_a_system_without_notes_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of the option means something else there."""
    asked: list[int] = []
    monkeypatch.setattr(socket.socket, "setsockopt", lambda *_: asked.append(1))
    monkeypatch.setattr(sys, "platform", "darwin")
    with line() as (reader, _):
        asked.clear()
        assert not asks_for_arrivals(reader)
    assert asked == []


@on_linux
def test_a_refused_order_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some containers know fewer options than Linux."""

    def refuse(*_: object) -> None:
        raise OSError

    with line() as (reader, _):
        monkeypatch.setattr(socket.socket, "setsockopt", refuse)
        assert not asks_for_arrivals(reader)


def test_both_clocks_are_read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading that lasted long is repeated; the last one counts, and an arrival is too late rather than too early."""
    own = iter([0.0, 5.0, 6.0, 6.00001])
    system = iter([1_000, 3 * 10**9])
    monkeypatch.setattr(arrival_times.time, "perf_counter", lambda: next(own))
    monkeypatch.setattr(arrival_times.time, "time_ns", lambda: next(system))
    assert arrival_times._on_own_clock(2 * 10**9) == pytest.approx(5.00001)
    slow = iter(float(second) for second in range(100))
    monkeypatch.setattr(arrival_times.time, "perf_counter", lambda: next(slow))
    monkeypatch.setattr(arrival_times.time, "time_ns", repeat(10**9).__next__)
    assert arrival_times._on_own_clock(10**9) == 2 * arrival_times._MOST_READINGS - 1
