"""HTTP/1.1 of one thread without a proxy: what an exchange costs here is part of every measured latency."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import h11
import httpcore
import httpx

from evalkit.http_client.bounded_network import BoundedBackend, BoundedStream, ExchangeLimits
from evalkit.http_client.proxies import default_port
from evalkit.http_client.replies import Reply, ReplyReader

KEEP_IDLE_S = 5.0
"""How long an idle connection is kept, as in httpx: longer, and servers that close idle ones break calls."""
_MOST_HEADS = 16
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")
_Origin = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class _Head:
    """The first lines of requests that differ only in their length and in further headers.

    Attributes
    ----------
    origin, hostname
        Where to connect: scheme, host and port; and the name that the server's certificate must have.
    lines
        The lines as they are sent, without the length and the empty line at the end.
    names
        Names of the headers, in lower case.
    """

    origin: _Origin
    lines: bytes
    names: frozenset[str]


@dataclass(slots=True)
class _Idle:
    """An open connection that no exchange uses."""

    stream: BoundedStream
    since_s: float

    @property
    def usable(self) -> bool:
        """Whether it is young, and the server has neither closed it nor sent anything."""
        if time.monotonic() - self.since_s > KEEP_IDLE_S:
            return False
        return not self.stream.get_extra_info("is_readable")


@dataclass(slots=True)
class Sent:
    """A request that was sent, and its reply.

    Attributes
    ----------
    reply
        The reply.
    reused
        Whether an open connection was reused.
    start_s, sent_s
        When the exchange began and when the last byte of the request was handed to the operating system, in seconds of
        `time.perf_counter`. It begins with the first byte of the request, or with opening a connection for it.
    origin, stream
        The server, and the connection to it.
    """

    reply: Reply
    reused: bool
    start_s: float
    sent_s: float
    origin: _Origin
    stream: BoundedStream

    @property
    def harness_delay_s(self) -> float | None:
        """0 where no wait of this thread lies between start and end of the exchange; None where one may."""
        exact = self.reused and self.stream.sent_at_once and self.reply.is_noted
        return 0.0 if exact else None


class DirectClient:
    """Sends the requests of one thread, over one kept connection to each server. Cookies are kept, too.

    Headers are those of `httpx.Client`, and h11 checks them; lines that are the same in every request are made once.

    Parameters
    ----------
    headers
        Headers sent with every request.
    context
        TLS settings; None if no address needs TLS.
    limits
        Limits of the exchange; the caller of a request starts them.
    connect_timeout_s
        Timeout for opening a connection.
    """

    def __init__(
        self,
        headers: Mapping[str, str],
        context: ssl.SSLContext | None,
        limits: ExchangeLimits,
        connect_timeout_s: float,
    ) -> None:
        # httpx composes the requests, and keeps cookies; it opens no connection.
        self._composer = httpx.Client(headers=headers, transport=httpx.MockTransport(_never))
        self._backend = BoundedBackend(limits)
        self._context = context
        self._connect_timeout_s = connect_timeout_s
        self._heads: dict[tuple[str, str], _Head] = {}
        self._idle: dict[_Origin, _Idle] = {}

    def send(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Sent:
        """Send a request and return it with its reply, whose body is not read yet; end with `finish` or `close`.

        Raises
        ------
        httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError
            If the exchange fails.
        httpx.InvalidURL, httpx.UnsupportedProtocol
            If no request can be sent to the URL.
        """
        head, lines = self._lines(method, url, headers)
        if body is not None or method == "POST":
            lines += b"Content-Length: %d\r\n" % len(body or b"")
        kept = self._idle.pop(head.origin, None)
        if kept is not None and not kept.usable:
            kept.stream.close()
            kept = None
        data = b"".join((lines, b"\r\n", body or b""))
        connect_s = time.perf_counter()
        stream = self._open(head) if kept is None else kept.stream
        try:
            _write(stream, data)
            start_s = connect_s if kept is None else stream.began_s
            sent_s = time.perf_counter()
            reply = ReplyReader(stream).read()
            # A thread may resume from sending when the reply is here.
            sent_s = min(sent_s, reply.headers_s)
            if any(name == "set-cookie" for name, _ in reply.headers):
                self._keep_cookies(method, url, reply)
        except BaseException:
            stream.close()
            raise
        return Sent(reply, kept is not None, start_s, sent_s, head.origin, stream)

    def finish(self, sent: Sent) -> None:
        """Keep the connection of an exchange for the next one, if its reply was read to the end and allows it."""
        if sent.reply.reusable:
            self._idle[sent.origin] = _Idle(sent.stream, time.monotonic())
        else:
            sent.stream.close()

    def close(self) -> None:
        """Close the connections that are open."""
        for kept in self._idle.values():
            kept.stream.close()
        self._idle.clear()

    def _open(self, head: _Head) -> BoundedStream:
        scheme, host, port = head.origin
        stream = self._backend.connect_tcp(host, port, self._connect_timeout_s)
        if scheme == "http":
            return stream
        context = self._context or httpx.create_ssl_context()
        context.set_alpn_protocols(["http/1.1"])
        return stream.over_tls(context, host, self._connect_timeout_s)

    def _lines(self, method: str, url: str, headers: Mapping[str, str]) -> tuple[_Head, bytes]:
        """Return the head of a request with its lines; further headers are added to a head that was made before."""
        plain = all(
            _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value) for name, value in headers.items()
        )
        if not plain or self._composer.cookies:
            head = self._compose(method, url, headers)
            return head, head.lines
        head_of = self._heads.get((method, url))
        if head_of is None:
            if len(self._heads) >= _MOST_HEADS:
                self._heads.clear()
            head_of = self._heads[method, url] = self._compose(method, url, {})
        if any(name.lower() in head_of.names for name in headers):
            head = self._compose(method, url, headers)
            return head, head.lines
        added = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return head_of, head_of.lines + added.encode("ascii")

    def _compose(self, method: str, url: str, headers: Mapping[str, str]) -> _Head:
        request = self._composer.build_request(method, url, headers=headers)
        where = request.url
        if where.scheme not in {"http", "https"} or not where.raw_host:
            raise httpx.UnsupportedProtocol("Request URL is missing an 'http://' or 'https://' protocol.")
        fields = [pair for pair in request.headers.raw if pair[0].lower() != b"content-length"]
        try:
            event = h11.Request(method=request.method, target=where.raw_path, headers=fields)
            lines = h11.Connection(h11.CLIENT).send(event) or b""
        except h11.LocalProtocolError as error:
            raise httpcore.LocalProtocolError(str(error)) from error
        port = where.port or default_port(where.scheme)
        return _Head(
            (where.scheme, where.raw_host.decode("ascii"), port),
            lines.removesuffix(b"\r\n"),
            frozenset(name.lower().decode("ascii") for name, _ in fields),
        )

    def _keep_cookies(self, method: str, url: str, reply: Reply) -> None:
        # httpx takes ASCII alone, and so does the standard (RFC 6265); a server may send anything.
        values = [value for name, value in reply.headers if name == "set-cookie" and value.isascii()]
        cookies = [("set-cookie", value) for value in values]
        request = self._composer.build_request(method, url)
        response = httpx.Response(reply.status, headers=cookies, request=request)
        self._composer.cookies.extract_cookies(response)


def _never(_request: httpx.Request) -> httpx.Response:
    raise AssertionError("httpx only composes requests here")


def _write(stream: BoundedStream, data: bytes) -> None:
    # A server may refuse a long request before it has read it: its reply says why.
    with suppress(httpcore.WriteError):
        stream.write(data)
