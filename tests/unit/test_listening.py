"""Listening for connections."""

from __future__ import annotations

import pytest

from evalkit.errors import StorageError
from evalkit.listening import host_in_url, listen


def test_an_address_in_use_is_one_line() -> None:
    """The second listener on a port gets an error that names the address and a remedy."""
    with listen("127.0.0.1", 0, 8) as first:
        port = first.getsockname()[1]
        with pytest.raises(StorageError, match=f"cannot listen on 127.0.0.1:{port}") as raised:
            listen("127.0.0.1", port, 8)
    assert raised.value.hint == "choose another --port, or use --port 0 for a free one"


def test_an_ipv6_address_has_brackets() -> None:
    """In a URL, a colon of the address is not that of the port."""
    assert [host_in_url(host) for host in ("::1", "127.0.0.1")] == ["[::1]", "127.0.0.1"]
