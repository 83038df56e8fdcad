"""What is sent to a server and what comes back: address, body and reply of one exchange. Imports no HTTP library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from evalkit.errors import CallError


@dataclass(frozen=True, slots=True)
class Exchange:
    """The response to one request, with its timing.

    Attributes
    ----------
    status
        HTTP status code.
    headers
        Response headers, names in lower case.
    content
        Response body.
    reused
        Whether an open connection was reused.
    start_s, sent_s, headers_s, body_s
        When the encoded and signed request began to be sent, was sent, and when the response headers and the response
        body arrived; seconds of `time.perf_counter`. Arrivals are those that Linux notes for plain TCP connections;
        elsewhere, when the thread that waited for them resumed.
    harness_delay_s
        0 where no wait of this process lies between start and end; None where one may.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    reused: bool
    start_s: float
    sent_s: float
    headers_s: float
    body_s: float
    harness_delay_s: float | None = None

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.content.decode("utf-8", errors="replace")


def encode_json(body: Any) -> bytes:
    """Return a request body as JSON.

    Raises
    ------
    CallError
        If a text cannot be encoded, e.g. because it contains a lone surrogate.
    """
    try:
        return orjson.dumps(body)
    except TypeError as error:
        raise CallError(
            "request",
            f"cannot encode the request as JSON: {error}",
            "remove invalid characters from the texts of the dataset",
        ) from None


def check_url(url: str) -> str:
    """Return a URL unchanged if it is valid.

    Raises
    ------
    ValueError
        If the scheme is not HTTP or HTTPS, the URL has no host, or the port is invalid.
    """
    parts = urlsplit(url)
    _ = parts.port  # raises ValueError if the port is invalid
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must start with http:// or https:// and contain a host name")
    return url
