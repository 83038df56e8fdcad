"""Signatures of requests: headers that depend on the method, the URL and the body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Signer(Protocol):
    """Signs each request just before it is sent, because signatures expire."""

    def sign(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        """Return the headers to add.

        Parameters
        ----------
        method, url, body
            The request, byte for byte as it is sent.
        headers
            The headers to sign: ``Content-Type`` and those that begin with ``X-Amz``.

        Raises
        ------
        CallError
            If there are no usable credentials.
        """
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """The parts of the credentials last used that must not be in a file, log or message."""
        ...


def headers_to_sign(*sets: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a request that a signature covers; proxies may change all others."""
    merged = {name.lower(): value for headers in sets for name, value in headers.items()}
    return {
        name: value for name, value in merged.items() if name == "content-type" or name.startswith("x-amz")
    }
