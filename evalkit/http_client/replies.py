"""Read the reply of one exchange from a stream; httptools parses it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import httpcore
import httptools

_READ_BYTES = 64 * 1024
_MAX_HEAD_BYTES = 100 * 1024
"""Longest status line and headers, as in httpcore; interim replies (1xx) before them do not count."""
Headers = list[tuple[str, str]]


class TimedStream(Protocol):
    """Where a reply comes from; see `evalkit.http_client.bounded_network.BoundedStream`."""

    received_s: float
    is_noted: bool

    def read(self, max_bytes: int) -> bytes:
        """Return the next bytes; none at the end."""


@dataclass(slots=True)
class Reply:
    """A reply whose headers were received.

    Attributes
    ----------
    status, headers
        HTTP status code, and headers with names in lower case, in their order.
    headers_s, body_s
        When the headers and the last byte of the body arrived, in seconds of `time.perf_counter`; `body_s` is 0 until
        then.
    is_noted
        Whether the operating system noted when that last byte arrived; else `body_s` is when the thread resumed.
    parts
        The body as it is received.
    reusable
        Whether the connection may be used again; False until the body was read to its end.
    """

    status: int
    headers: Headers
    headers_s: float
    parts: Iterator[bytes] = field(default_factory=lambda: iter(()), repr=False)
    body_s: float = 0.0
    is_noted: bool = False
    reusable: bool = False

    def merged_headers(self) -> dict[str, str]:
        """Return the headers by name; the values of a repeated one are joined."""
        merged = dict(self.headers)
        return merged if len(merged) == len(self.headers) else {name: self.header(name) for name in merged}

    def header(self, name: str) -> str:
        """Return the values of a header, joined; empty if there is none."""
        return ", ".join(value for other, value in self.headers if other == name)

    def complete(self, stream: TimedStream, *, reusable: bool) -> None:
        """Note that the last byte of the body was among those that a stream returned last."""
        self.body_s, self.is_noted = stream.received_s, stream.is_noted
        self.reusable = reusable


class ReplyReader:
    """Reads the reply of one request, which must be one whose reply may have a body.

    Each reply has a parser of its own: what follows a reply is no part of it, and ends the use of the connection.

    Parameters
    ----------
    stream
        Where the reply comes from.
    """

    def __init__(self, stream: TimedStream) -> None:
        self._stream = stream
        self._message = _Message()

    def read(self) -> Reply:
        """Return the reply when its headers are complete.

        Raises
        ------
        httpcore.RemoteProtocolError
            If the reply is no HTTP.
        httpcore.NetworkError, httpcore.TimeoutException
            If reading fails.
        """
        try:
            self._read_head()
        except BaseException:
            self._message.close()
            raise
        message = self._message
        headers = [(name.decode("ascii").lower(), _decoded(value)) for name, value in message.headers]
        reply = Reply(message.status, headers, self._stream.received_s)
        reply.parts = self._parts(reply)
        return reply

    def _read_head(self) -> None:
        """Read until the headers are complete."""
        message, received = self._message, 0
        while not message.status:
            data = self._stream.read(_READ_BYTES)
            if not data:
                raise httpcore.RemoteProtocolError("Server disconnected without sending a response.")
            interim = message.interim
            message.feed(data)
            received = len(data) + (received if message.interim == interim else 0)
            if received > _MAX_HEAD_BYTES and not message.status:
                raise httpcore.RemoteProtocolError("the headers of the reply are too long")

    def _parts(self, reply: Reply) -> Iterator[bytes]:
        message = self._message
        try:
            while not message.is_complete:
                yield from message.taken()
                data = self._stream.read(4 * _READ_BYTES)
                if not data:
                    _check_ends_with_connection(reply)
                    break
                message.feed(data)
        finally:
            message.close()
        reply.complete(
            self._stream, reusable=message.is_complete and message.keeps and not message.has_surplus
        )
        yield from message.taken()


class _Message:
    """What httptools finds in a reply. Its methods beginning with ``on_`` are called by the parser.

    Attributes
    ----------
    status
        HTTP status code once the headers are complete; 0 before that, and during interim replies.
    headers
        Names and values.
    interim
        Number of interim replies so far.
    keeps
        Whether the server keeps the connection after this reply.
    is_complete
        Whether the body is complete.
    has_surplus
        Whether bytes followed the reply: the connection is then in an unknown state.
    """

    def __init__(self) -> None:
        self.status = self.interim = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.keeps = self.is_complete = self.has_surplus = False
        self._parts: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)

    def feed(self, data: bytes) -> None:
        """Parse more bytes."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self.is_complete:
                raise httpcore.RemoteProtocolError(f"the reply is not valid HTTP/1.1: {error}") from None
            self.has_surplus = True

    def close(self) -> None:
        """Drop the parser: it refers to this object, and no garbage is collected while calls are timed."""
        del self._parser

    def taken(self) -> list[bytes]:
        """Return the parts of the body that were received since the last time."""
        taken, self._parts = self._parts, []
        return taken

    def on_message_begin(self) -> None:
        """Note the first byte of a reply."""
        self.has_surplus = self.is_complete

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; those after the body are dropped."""
        if not self.status:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Note the end of the headers of a reply that is not an interim one."""
        if self.status:
            return
        status = self._parser.get_status_code()
        if status < 200:
            self.headers.clear()
            self.interim += 1
            return
        self.status, self.keeps = status, self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        """Add a part of the body."""
        if not self.is_complete:
            self._parts.append(data)

    def on_message_complete(self) -> None:
        """Note the end of a reply that is not an interim one."""
        self.is_complete = self.status != 0


def _check_ends_with_connection(reply: Reply) -> None:
    if any(name in {"content-length", "transfer-encoding"} for name, _ in reply.headers):
        raise httpcore.RemoteProtocolError("peer closed connection without sending complete message body")


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8").strip(" \t")
    except UnicodeDecodeError:
        return value.decode("iso-8859-1").strip(" \t")
