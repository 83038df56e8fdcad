"""Connections that several threads use, and that somebody closes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
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
        assert all(client.http.is_closed for client in connections._clients)
        with pytest.raises(CallError, match="are closed"):
            pool.submit(connections.post, b"{}").result(20)
