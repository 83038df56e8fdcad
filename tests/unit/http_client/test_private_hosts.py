"""Which hosts are this machine or on a private network."""

from __future__ import annotations

import pytest

from evalkit.http_client import is_on_private_network
from evalkit.http_client.private_hosts import is_loopback

OTHERS = (
    "localhost.example.com", "notlocalhost", "128.0.0.1", "10.0.0.1", "::2", "127.0.0.1.example.com", "1270001.a", "",
)  # fmt: skip


@pytest.mark.parametrize("host", OTHERS)
def test_another_machine_is_not_taken_for_this_one(host: str) -> None:
    """A name that only begins so, private addresses, nothing."""
    assert not is_loopback(host)


def test_private_networks_are_told_from_public_ones() -> None:
    """By the address, or by a name that no public network knows."""
    private = (
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "169.254.1.1",
        "fd00::1",
        "fe80::1%eth0",
        "reranker",
        "a.local",
    )
    assert all(map(is_on_private_network, private))
    public = (
        "8.8.8.8",
        "172.32.0.1",
        "2001:4860:4860::8888",
        "::ffff:8.8.8.8",
        "api.example.com",
        "local.example.com",
    )
    assert not any(map(is_on_private_network, public))
