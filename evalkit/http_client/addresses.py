"""Which addresses can be called."""

from __future__ import annotations

from urllib.parse import urlsplit


def check_address(url: str) -> str:
    """Return an address as it is.

    Raises
    ------
    ValueError
        If it is not of HTTP, or names no host.
    """
    parts = urlsplit(url)
    _ = parts.port  # raises where it is no port
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must start with http:// or https:// and name a host")
    return url
