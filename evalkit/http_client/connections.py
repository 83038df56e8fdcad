"""HTTP exchanges with time and size limits; every failure is a `CallError`."""

from __future__ import annotations

import codecs
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

from evalkit.errors import NOT_RETRYABLE, RETRYABLE, CallError
from evalkit.http_client.bounded_network import ExchangeLimits, ReplyTooLongError
from evalkit.http_client.bounded_transport import BoundedTransport, tls_context
from evalkit.http_client.content_coding import ACCEPTED, CodingError, decompressed
from evalkit.http_client.http_exchange import Exchange
from evalkit.http_client.proxies import proxy_keys, proxy_of
from evalkit.http_client.secrets import Redactor
from evalkit.http_client.signing import Signer, headers_to_sign
from evalkit.http_client.tls_hints import tls_hint

MAX_RESPONSE_BYTES = 64 * 1024 * 1024
"""Largest decompressed response body: no list of scores is longer."""
_MAX_RECEIVED_BYTES = 2 * MAX_RESPONSE_BYTES
"""Largest number of bytes received for one response: headers, chunk sizes and trailers count, too."""
_TRACE_EVENTS = (
    "connection.connect_tcp.started",
    "http11.send_request_body.complete",
    "http11.receive_response_headers.complete",
)
"""Trace events of httpcore, in the order in which they occur."""


class Connections:
    """Connections to one URL, with one client per thread because a shared pool distorts latencies.

    Parameters
    ----------
    url
        Default URL of requests.
    headers
        Headers sent with every request.
    connect_timeout_s, timeout_s
        Timeouts for opening a connection and for the whole exchange.
    redactor
        Removes the API key from response headers, response bodies and error messages.
    signer
        Signs every request; None for requests without signature.

    Attributes
    ----------
    display_url
        The URL for messages, without its query, which may contain a key.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        connect_timeout_s: float,
        timeout_s: float,
        redactor: Redactor,
        signer: Signer | None = None,
    ) -> None:
        self.url = url
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        self.display_url = f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
        self._headers = {"Accept-Encoding": ACCEPTED, **headers}
        self._connect_timeout_s, self._timeout_s = connect_timeout_s, timeout_s
        self._timeout = httpx.Timeout(timeout_s, connect=connect_timeout_s)
        self._redactor = redactor.plus(*proxy_keys(url))
        self._signer = signer
        self._signed_with: tuple[str, ...] = ()
        self._context = tls_context(url)
        self._local = threading.local()
        self._clients: set[_ThreadClient] = set()
        self._busy: set[_ThreadClient] = set()
        self._closed = threading.Event()
        self._lock = threading.Lock()

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Exchange:
        """Send a POST request to the default URL; see `exchange`."""
        return self.exchange("POST", self.url, body, headers)

    def exchange(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str] | None = None,
        *,
        deadline_s: float | None = None,
    ) -> Exchange:
        """Send one request and read the whole response; redirects are not followed.

        Parameters
        ----------
        method, url, body, headers
            The request.
        deadline_s
            When the exchange must be complete, in seconds of `time.perf_counter`; by default, the timeout from now.

        Raises
        ------
        CallError
            If the connection fails, the response is not complete within the timeout, or it is too long.
        """
        headers = self._signed(method, url, body or b"", headers or {})
        start_s = time.perf_counter()
        end_s = start_s + self._timeout_s if deadline_s is None else deadline_s
        event_times = dict.fromkeys(_TRACE_EVENTS, start_s)

        def trace(event: str, _info: Any) -> None:
            if event in event_times:
                event_times[event] = time.perf_counter()

        with self._errors(end_s - start_s), self._thread_client() as client:
            client.limits.start(end_s)
            with client.stream(
                method, url, content=body, headers=headers, extensions={"trace": trace}
            ) as response:
                content = self._read(response, end_s)
                body_s = time.perf_counter()
                connect_s, sent_s, headers_s = event_times.values()
                return Exchange(
                    response.status_code,
                    {name: self._redactor.text(value) for name, value in response.headers.items()},
                    self._redactor.content(content),
                    reused=connect_s == start_s,
                    sent_s=sent_s,
                    headers_s=headers_s,
                    body_s=body_s,
                )

    def _signed(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Return the headers of a request with those of its signature."""
        if self._signer is None:
            return headers
        # What is signed is the URL as it is sent, with everything escaped.
        sent_url = str(httpx.URL(url))
        added = self._signer.sign(method, sent_url, headers_to_sign(self._headers, headers), body)
        if self._signer.secrets != self._signed_with:
            self._signed_with = self._signer.secrets
            self._redactor = self._redactor.plus(*self._signed_with)
        return {**headers, **added}

    @contextmanager
    def _errors(self, allowed_s: float) -> Iterator[None]:
        """Raise the errors of an exchange that may take `allowed_s` as `CallError`."""
        try:
            yield
        except httpx.TimeoutException as error:
            if not isinstance(error, httpx.ConnectTimeout) or allowed_s < self._connect_timeout_s:
                raise self._timeout_error() from None
            raise CallError(
                "connect",
                f"connection to {self.display_url} timed out after {self._connect_timeout_s:g} s",
                "check the url and that the server is running",
                remedy=RETRYABLE,
            ) from None
        except ReplyTooLongError:
            raise self._too_long_error(_MAX_RECEIVED_BYTES) from None
        except (httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise self._connect_error(error) from None
        except (httpx.RequestError, CodingError) as error:
            reason = self._redactor.text(str(error)) or type(error).__name__
            raise CallError(
                "broken",
                f"the reply of {self.display_url} was cut off or is unreadable: {reason}",
                tls_hint(reason),
                remedy=RETRYABLE,
            ) from None

    def _connect_error(self, error: Exception) -> CallError:
        reason = self._redactor.text(str(error))
        hint = tls_hint(reason)
        may_pass = isinstance(error, httpx.ConnectError | httpx.ProxyError) and hint is None
        proxy = proxy_of(self.url)
        through, check = "", "check the url and that the server is running"
        if proxy is not None:
            through = f" through the proxy {proxy.url.host} that the environment names"
            check = "check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, or name the server in NO_PROXY"
        return CallError(
            "connect",
            f"cannot reach {self.display_url}{through}: {reason}",
            hint or check,
            remedy=RETRYABLE if may_pass else NOT_RETRYABLE,
        )

    def _read(self, response: httpx.Response, deadline_s: float) -> bytes:
        """Return the response body; raise `CallError` past the deadline or the size limit."""
        parts: list[bytes] = []
        size = 0
        for part in decompressed(response.iter_raw(), response.headers.get("content-encoding", "")):
            size += len(part)
            if size > MAX_RESPONSE_BYTES:
                raise self._too_long_error(MAX_RESPONSE_BYTES, response.status_code)
            if time.perf_counter() > deadline_s:
                raise self._timeout_error()
            parts.append(part)
        return b"".join(parts).removeprefix(
            codecs.BOM_UTF8
        )  # some servers send one, and no JSON begins with it

    def _too_long_error(self, limit: int, status: int | None = None) -> CallError:
        return CallError(
            "reply",
            f"the reply of {self.display_url} exceeds {limit // 1024**2} MiB",
            "check that the url is the rerank endpoint",
            http_status=status,
        )

    def _timeout_error(self) -> CallError:
        return CallError(
            "timeout",
            f"{self.display_url} timed out after {self._timeout_s:g} s",
            "raise timeout_s, or send fewer documents at once (batch_size, window)",
            remedy=RETRYABLE,
        )

    def close(self) -> None:
        """Close the connections of all threads; a thread closes a client in use when its exchange ends."""
        with self._lock:
            self._closed.set()
            idle = self._clients - self._busy
        for client in idle:
            client.close()

    @contextmanager
    def _thread_client(self) -> Iterator[_ThreadClient]:
        """Yield the client of this thread, protected from `close` while it is in use.

        A client that another thread closes while it opens a connection would leave that connection open. A client
        whose exchange failed is closed: no later request uses a connection in an unknown state.
        """
        client = self._get_or_create_client()
        with self._lock:
            if self._closed.is_set():
                raise CallError("connect", f"the connections to {self.display_url} are closed")
            self._busy.add(client)
        failed = True
        try:
            yield client
            failed = False
        finally:
            with self._lock:
                self._busy.discard(client)
                if failed:
                    self._clients.discard(client)
                    self._local.client = None
                unused = failed or self._closed.is_set()
            if unused:
                client.close()

    def _get_or_create_client(self) -> _ThreadClient:
        client: _ThreadClient | None = getattr(self._local, "client", None)
        if client is None:
            client = _ThreadClient(self._headers, self._timeout, self._context)
            self._local.client = client
            with self._lock:
                self._clients.add(client)
        return client


class _ThreadClient(httpx.Client):
    """The client of one thread, with the limits of the exchange that it makes."""

    def __init__(
        self, headers: Mapping[str, str], timeout: httpx.Timeout, context: ssl.SSLContext | None
    ) -> None:
        self.limits = ExchangeLimits(_MAX_RECEIVED_BYTES)
        transport = BoundedTransport(context, self.limits)
        super().__init__(headers=headers, timeout=timeout, transport=transport)
