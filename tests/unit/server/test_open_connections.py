"""Which connection is closed for a new one, and which because it is overdue."""

from __future__ import annotations

import math

from evalkit.server.open_connections import Connections, connections_that_fit


class Line:
    """A connection that writes down what is done to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.deadline_s = math.inf
        self.answered = False
        self.left = 0
        self.done: list[str] = []

    def give_way(self) -> None:
        """Write it down."""
        self.done.append("gave way")

    def time_out(self) -> bool:
        """Write it down."""
        self.done.append("timed out")
        return True

    def unsent(self) -> int:
        """Return what is left."""
        return self.left

    def abort(self) -> None:
        """Write it down."""
        self.done.append("aborted")


def opened(connections: Connections, names: str) -> list[Line]:
    """Open connections that wait for a request."""
    lines = [Line(name) for name in names]
    for line in lines:
        connections.open += 1
        connections.waits(line)
    return lines


def test_the_oldest_without_a_request_gives_way() -> None:
    """A connection that was answered before goes after those that never asked; one with a request never goes."""
    connections = Connections(4)
    a, b, c, d = opened(connections, "abcd")
    connections.asks(a)
    a.answered = True
    connections.waits(a)
    connections.asks(c)
    connections.waits(b)  # repeated: not younger
    assert connections.is_full()
    assert [connections.make_room() for _ in range(4)] == [True, True, True, False]
    assert [line.done for line in (a, b, c, d)] == [["gave way"], ["gave way"], [], ["gave way"]]
    assert connections.closed["full"] == 3
    for line in (a, b, c, d):
        connections.lost(line)
    assert (connections.open, connections.waiting) == (0, 0)


def test_what_is_overdue_is_closed() -> None:
    """A request that did not arrive in time, and a reply of which nothing was read for half a minute."""
    connections = Connections(10)
    late, unread, slow, idle = opened(connections, "abcd")
    late.deadline_s = 50.0
    unread.left, slow.left = 100, 1000
    for now in range(0, 100, 10):
        connections.sweep(float(now))
        slow.left -= 1
        assert connections.unsent_bytes >= 100
        if unread.done:
            unread.left = 0
    assert late.done[0] == "timed out"
    assert unread.done == ["aborted"]
    assert (slow.done, idle.done) == ([], [])
    assert connections.closed["unread"] == 1


def test_some_places_are_kept_for_new_connections() -> None:
    """The service is busy before it is full: a health check still gets through."""
    connections = Connections(16)
    for line in opened(connections, "abcdefghijklmno"):
        connections.asks(line)
    assert connections.is_busy()
    assert not connections.is_full()


def test_connections_fit_the_limit_of_open_files() -> None:
    """There are never more than asked for, and at least some."""
    assert connections_that_fit(1) == 1
    assert 4 <= connections_that_fit(100_000_000) <= 100_000_000
