"""Read the reply of one exchange from a stream: the usual form in a few steps, every other form with h11."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import h11
import httpcore

_READ_BYTES = 64 * 1024
_MAX_HEAD_BYTES = 100 * 1024
"""Longest status line and headers, as in httpcore."""
_USUAL_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5]\d\d)(?: [^\r\n]*)?\r\n"
    rb"((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*)\r\n"
)
_LENGTH = re.compile(r"[0-9]{1,18}")
_WITHOUT_BODY = {204, 304}
Headers = list[tuple[str, str]]


@dataclass(slots=True)
class Reply:
    """A reply whose headers were received.

    Attributes
    ----------
    status, headers
        HTTP status code, and headers with names in lower case, in their order.
    headers_s, body_s
        When the headers and the last byte of the body were received, in seconds of `time.perf_counter`; `body_s` is 0
        until then.
    reusable
        Whether the connection may be used again; False until the body was read to its end.
    """

    status: int
    headers: Headers
    headers_s: float
    parts: Iterator[bytes] = field(default_factory=lambda: iter(()), repr=False)
    body_s: float = 0.0
    reusable: bool = False

    def merged_headers(self) -> dict[str, str]:
        """Return the headers by name; the values of a repeated one are joined."""
        merged = dict(self.headers)
        return merged if len(merged) == len(self.headers) else {name: self.header(name) for name in merged}

    def header(self, name: str) -> str:
        """Return the values of a header, joined; empty if there is none."""
        return ", ".join(value for other, value in self.headers if other == name)

    def complete(self, *, reusable: bool) -> None:
        """Note that the last byte of the body was received now."""
        self.body_s = time.perf_counter()
        self.reusable = reusable


class ReplyReader:
    """Reads the reply of one request. A reply in the usual form is not parsed by h11, which takes 30 times as long.

    The usual form is HTTP/1.1 with a body of a stated length. Chunked bodies, bodies that end with the connection,
    interim replies and all malformed replies are left to h11, so that its rules and messages hold.

    Parameters
    ----------
    stream
        Where the reply comes from.
    request
        The request that was sent; h11 needs it.
    """

    def __init__(self, stream: httpcore.NetworkStream, request: h11.Request) -> None:
        self._stream = stream
        self._request = request

    def read(self) -> Reply:
        """Return the reply when its headers are complete.

        Raises
        ------
        httpcore.RemoteProtocolError
            If the reply is no HTTP.
        httpcore.NetworkError, httpcore.TimeoutException
            If reading fails.
        """
        data = self._stream.read(_READ_BYTES)
        headers_s = time.perf_counter()
        return self._usual(data, headers_s) or self._read_with_h11(data)

    def _usual(self, data: bytes, headers_s: float) -> Reply | None:
        """Return a reply in the usual form; None for any other."""
        head = _USUAL_HEAD.match(data)
        if head is None:
            return None
        status = int(head[1])
        headers = read_headers(head[2])
        fields, names = dict(headers), [name for name, _ in headers]
        length = fields.get("content-length", "")
        is_usual = (
            status not in _WITHOUT_BODY
            and self._request.method != b"HEAD"
            and _LENGTH.fullmatch(length)
            and "transfer-encoding" not in fields
            and names.count("content-length") == 1
            and names.count("connection") <= 1
        )
        if not is_usual:
            return None
        reply = Reply(status, headers, headers_s)
        keeps = "close" not in fields.get("connection", "").lower()
        reply.parts = self._parts(reply, data[head.end() :], int(length), keeps=keeps)
        return reply

    def _parts(self, reply: Reply, first: bytes, length: int, *, keeps: bool) -> Iterator[bytes]:
        missing = length - len(first)
        if missing <= 0:
            # Bytes after the body belong to no request: the connection is in an unknown state.
            reply.complete(reusable=keeps and not missing)
            yield first[:length] if missing else first
            return
        if first:
            yield first
        while missing > 0:
            part = self._stream.read(min(missing, 4 * _READ_BYTES))
            if not part:
                raise httpcore.RemoteProtocolError(
                    "peer closed connection without sending complete message body"
                    f" (received {length - missing} bytes, expected {length})"
                )
            missing -= len(part)
            if not missing:
                reply.complete(reusable=keeps)
            yield part

    def _read_with_h11(self, data: bytes) -> Reply:
        """Return the reply that begins with `data`."""
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD_BYTES)
        connection.send(self._request)
        connection.send(h11.EndOfMessage())
        self._feed(connection, data)
        event = cast("h11.Response | h11.InformationalResponse", self._next(connection))
        while isinstance(event, h11.InformationalResponse) and event.status_code != 101:
            event = cast("h11.Response | h11.InformationalResponse", self._next(connection))
        reply = Reply(
            event.status_code,
            [(name.decode("ascii"), _decoded(value)) for name, value in event.headers],
            time.perf_counter(),
        )
        reply.parts = self._h11_parts(reply, connection)
        return reply

    def _h11_parts(self, reply: Reply, connection: h11.Connection) -> Iterator[bytes]:
        while isinstance(event := self._next(connection), h11.Data):
            yield bytes(event.data)
        kept = connection.our_state is h11.DONE and connection.their_state is h11.DONE
        # Bytes after the body, or the end of the connection: then it carries no other reply.
        reply.complete(reusable=kept and connection.trailing_data == (b"", False))

    def _next(self, connection: h11.Connection) -> object:
        try:
            while (event := connection.next_event()) is h11.NEED_DATA:
                self._feed(connection, self._stream.read(_READ_BYTES))
        except h11.RemoteProtocolError as error:
            raise httpcore.RemoteProtocolError(str(error)) from error
        return event

    @staticmethod
    def _feed(connection: h11.Connection, data: bytes) -> None:
        if not data and connection.their_state is h11.SEND_RESPONSE:
            # The message of h11 is about its own states.
            raise httpcore.RemoteProtocolError("Server disconnected without sending a response.")
        connection.receive_data(data)


def read_headers(block: bytes) -> Headers:
    """Return the headers of a block of lines ``name: value``, names in lower case."""
    lines = (line.partition(":") for line in _decoded(block).split("\r\n")[:-1])
    return [(name.lower(), value.strip(" \t")) for name, _, value in lines]


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("iso-8859-1")
