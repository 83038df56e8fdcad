"""Which hosts are this machine or on a private network."""

from __future__ import annotations

import ipaddress
import socket

_PRIVATE_DOMAINS = (".local", ".internal", ".lan", ".intranet", ".home.arpa", ".corp", ".private", ".svc")


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine, in every notation that connects to it."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    if address is None:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return address.is_loopback or address.is_unspecified


def is_on_private_network(host: str) -> bool:
    """Return whether a host is this machine, has a private address, or a name that no public network knows."""
    name = host.strip("[]").rstrip(".").lower()
    address = _address(name)
    if address is not None:
        return is_loopback(name) or not (getattr(address, "ipv4_mapped", None) or address).is_global
    return is_loopback(name) or "." not in name or name.endswith(_PRIVATE_DOMAINS)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return a numeric address; None for a name."""
    try:
        return ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        pass
    try:
        # The forms that the system's resolver takes for an address without looking them up: 127.1, 0x7f000001.
        return ipaddress.IPv4Address(socket.inet_aton(name)) if name[:1].isdigit() else None
    except (OSError, UnicodeError):
        return None
