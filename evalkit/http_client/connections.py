"""One HTTP exchange: bytes out, bytes back, within limits, every fault named."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from evalkit.errors import NOT_RETRYABLE, RETRYABLE, CallError
from evalkit.http_client.secrets import Redactor

LARGEST_REPLY = 64 * 1024 * 1024
"""Bytes of a reply, unpacked, beyond which reading stops: no list of scores is that long."""
_STATIONS = (
    "connection.connect_tcp.started",
    "http11.send_request_body.complete",
    "http11.receive_response_headers.complete",
)
"""Events of httpcore, in the order in which a request passes them."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came back.

    Attributes
    ----------
    headers
        Names in lower case.
    reused
        Whether the connection had been opened before.
    sent_s, headers_s, body_s
        When the request was out, and the reply's headers and body in; seconds of `time.perf_counter`.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    reused: bool
    sent_s: float
    headers_s: float
    body_s: float

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return self.content.decode("utf-8", errors="replace")


def write_json(body: Any) -> bytes:
    """Return the body of a request.

    Raises
    ------
    CallError
        If a text cannot be written, e.g. for half of a surrogate pair.
    """
    try:
        return orjson.dumps(body)
    except TypeError as error:
        raise CallError(
            "request", f"the request cannot be written as JSON: {error}", "clean the texts of the dataset"
        ) from None


class Connections:
    """Connections to one address, one client for each thread: a shared pool distorts latencies.

    Messages show the address without its query, which may hold a key.

    Parameters
    ----------
    url
        Address.
    headers
        Sent with every request.
    connect_timeout_s, timeout_s
        Longest wait for a connection, and for the whole reply.
    redactor
        Strikes the key out of everything that comes back.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        connect_timeout_s: float,
        timeout_s: float,
        redactor: Redactor,
    ) -> None:
        self.url = url
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        self.shown = f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
        self._headers = dict(headers)
        self._limit_s = timeout_s
        self._timeout = httpx.Timeout(timeout_s, connect=connect_timeout_s)
        self._redactor = redactor
        self._context = httpx.create_ssl_context()
        self._local = threading.local()
        self._clients: list[httpx.Client] = []
        self._busy: set[httpx.Client] = set()
        self._closed = threading.Event()
        self._lock = threading.Lock()

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Exchange:
        """Send a body; see `exchange`."""
        return self.exchange("POST", self.url, body, headers)

    def exchange(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str] | None = None
    ) -> Exchange:
        """Send one request and read its whole reply; redirects are not followed.

        Raises
        ------
        CallError
            If no whole reply comes in time.
        """
        began = time.perf_counter()
        deadline = began + self._limit_s
        passed = dict.fromkeys(_STATIONS, began)

        def trace(event: str, _info: Any) -> None:
            if event in passed:
                passed[event] = time.perf_counter()

        try:
            with (
                self._lent() as client,
                client.stream(
                    method, url, content=body, headers=headers, extensions={"trace": trace}
                ) as response,
            ):
                content = self._read(response, deadline)
                body_s = time.perf_counter()
                told = {name: self._redactor.text(value) for name, value in response.headers.items()}
                opened_s, sent_s, headers_s = passed.values()
                return Exchange(
                    response.status_code,
                    told,
                    self._redactor.content(content),
                    reused=opened_s == began,
                    sent_s=sent_s,
                    headers_s=headers_s,
                    body_s=body_s,
                )
        except httpx.ConnectTimeout:
            raise CallError(
                "connect",
                f"{self.shown} took no connection within {self._timeout.connect:g} s",
                "is the server running, and is the url right?",
                remedy=RETRYABLE,
            ) from None
        except httpx.TimeoutException:
            raise self._too_slow() from None
        except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise CallError(
                "connect",
                f"cannot reach {self.shown}: {self._redactor.text(str(error))}",
                "is the server running, and is the url right?",
                remedy=RETRYABLE if isinstance(error, httpx.ConnectError) else NOT_RETRYABLE,
            ) from None
        except httpx.RequestError as error:
            why = self._redactor.text(str(error)) or type(error).__name__
            raise CallError(
                "broken", f"the reply of {self.shown} broke off or cannot be read: {why}", remedy=RETRYABLE
            ) from None

    def _read(self, response: httpx.Response, deadline: float) -> bytes:
        """Read the body, but neither forever nor without end."""
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            size += len(part)
            if size > LARGEST_REPLY:
                raise CallError(
                    "reply",
                    f"the reply of {self.shown} is longer than {LARGEST_REPLY // 1024**2} MiB",
                    "check that the url is the rerank endpoint",
                    http_status=response.status_code,
                )
            if time.perf_counter() > deadline:
                raise self._too_slow()
            parts.append(part)
        return b"".join(parts)

    def _too_slow(self) -> CallError:
        return CallError(
            "timeout",
            f"{self.shown} did not answer within {self._limit_s:g} s",
            "raise timeout_s, or send fewer documents at once (batch_size, window)",
            remedy=RETRYABLE,
        )

    def close(self) -> None:
        """Close the connections of all threads; one that is in use is closed by its thread once it has its reply."""
        with self._lock:
            self._closed.set()
            idle = [client for client in self._clients if client not in self._busy]
        for client in idle:
            client.close()

    @contextmanager
    def _lent(self) -> Iterator[httpx.Client]:
        """Give this thread's client; nobody else closes it meanwhile, or what it is opening would stay open."""
        client = self._client()
        with self._lock:
            if self._closed.is_set():
                raise CallError("connect", f"the connections to {self.shown} are closed")
            self._busy.add(client)
        try:
            yield client
        finally:
            with self._lock:
                self._busy.discard(client)
                last = self._closed.is_set()
            if last:
                client.close()

    def _client(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._local, "client", None)
        if client is None:
            client = httpx.Client(
                headers=self._headers, timeout=self._timeout, verify=self._context, trust_env=True
            )
            self._local.client = client
            with self._lock:
                self._clients.append(client)
        return client


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
