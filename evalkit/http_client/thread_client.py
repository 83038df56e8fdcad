"""The exchanges of one thread: directly, or with httpx through the proxy that the environment names."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from evalkit.http_client.bounded_network import ExchangeLimits
from evalkit.http_client.bounded_transport import BoundedTransport, errors_of_httpx
from evalkit.http_client.direct_client import DirectClient
from evalkit.http_client.http_exchange import Exchange
from evalkit.http_client.proxies import proxy_of

_TRACE_EVENTS = (
    "connection.connect_tcp.started",
    "http11.send_request_body.complete",
    "http11.receive_response_headers.complete",
)
"""Trace events of httpcore, in the order in which they occur."""


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a response, to be read.

    Attributes
    ----------
    status
        HTTP status code.
    coding
        Value of ``Content-Encoding``; empty if there is none.
    parts
        The body as it is received.
    """

    status: int
    coding: str
    parts: Iterable[bytes]


Read = Callable[[Body], bytes]
"""Reads and decompresses a body; what it raises ends the exchange, and its connection is not used again."""


class ThreadClient:
    """The client of one thread, with the limits of the exchange that it makes.

    Parameters
    ----------
    headers
        Headers sent with every request.
    timeout
        Timeouts for opening a connection and for each step.
    context
        TLS settings; None if no address needs TLS.
    max_bytes
        Bytes that one exchange may receive.
    """

    def __init__(
        self,
        headers: Mapping[str, str],
        timeout: httpx.Timeout,
        context: ssl.SSLContext | None,
        max_bytes: int,
    ) -> None:
        self.limits = ExchangeLimits(max_bytes)
        self.is_closed = False
        self._direct = DirectClient(headers, context, self.limits, timeout.connect or 0.0)
        self._headers, self._timeout, self._context = headers, timeout, context
        self._proxied: httpx.Client | None = None
        self._is_direct: dict[str, bool] = {}

    def exchange(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], read: Read
    ) -> Exchange:
        """Send one request and read the whole response.

        Raises
        ------
        httpx.RequestError, httpx.InvalidURL
            If the exchange fails.
        ReplyTooLongError
            If more bytes are received than the limits allow.
        """
        path = url.find("/", len("https://"))
        origin = url if path < 0 else url[:path]
        direct = self._is_direct.get(origin)
        if direct is None:
            # httpx makes a header of the user and password in a URL.
            direct = self._is_direct[origin] = "@" not in origin and proxy_of(url) is None
        if direct:
            return self._exchange_directly(method, url, body, headers, read)
        return self._exchange_through_proxy(method, url, body, headers, read)

    def close(self) -> None:
        """Close all connections."""
        self.is_closed = True
        self._direct.close()
        if self._proxied is not None:
            self._proxied.close()

    def _exchange_directly(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], read: Read
    ) -> Exchange:
        with errors_of_httpx():
            sent = self._direct.send(method, url, body, headers)
            reply = sent.reply
            try:
                content = read(Body(reply.status, reply.header("content-encoding"), reply.parts))
            finally:
                self._direct.finish(sent)
        return Exchange(
            reply.status,
            reply.merged_headers(),
            content,
            reused=sent.reused,
            start_s=sent.start_s,
            sent_s=sent.sent_s,
            headers_s=reply.headers_s,
            body_s=reply.body_s,
            harness_delay_s=sent.harness_delay_s,
        )

    def _exchange_through_proxy(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], read: Read
    ) -> Exchange:
        if self._proxied is None:
            transport = BoundedTransport(self._context, self.limits)
            self._proxied = httpx.Client(headers=self._headers, timeout=self._timeout, transport=transport)
        start_s = time.perf_counter()
        event_times = dict.fromkeys(_TRACE_EVENTS, start_s)

        def trace(event: str, _info: Any) -> None:
            if event in event_times:
                event_times[event] = time.perf_counter()

        with self._proxied.stream(
            method, url, content=body, headers=headers, extensions={"trace": trace}
        ) as response:
            coding = response.headers.get("content-encoding", "")
            content = read(Body(response.status_code, coding, response.iter_raw()))
            body_s = time.perf_counter()
        connect_s, sent_s, headers_s = event_times.values()
        return Exchange(
            response.status_code,
            dict(response.headers.items()),
            content,
            reused=connect_s == start_s,
            start_s=start_s,
            sent_s=sent_s,
            headers_s=headers_s,
            body_s=body_s,
        )
