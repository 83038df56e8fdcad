"""The HTTP protocol of uvicorn with limits that it lacks: size and time of heads, of what is no body, of pipelines."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from evalkit.config import ServiceSettings
from evalkit.server.open_connections import Connections

MAX_HEAD_BYTES = 16 * 1024
MAX_HEADERS = 100
_MAX_PIPELINED = 64
"""Requests of one connection that wait for their turn; a read of many tiny ones is memory otherwise."""
_AFTER_BODY_TIMEOUT_S = 5.0
"""The application answers 408 first, in the format of the dialect."""
_LINGER_S = 2.0
"""How long what a rejected client still sends is read: a reset would destroy the reply."""
_REASONS = {
    400: "Bad Request",
    408: "Request Timeout",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}
BUSY = "busy"
"""Set in the state of a request that comes while too many are being answered."""


class _RefusedError(Exception):
    """Raised in a callback of the parser to end it."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection, with limits.

    Parameters
    ----------
    config, server_state, app_state
        See uvicorn.
    settings
        Timeouts of head and body, and the maximum size of a body.
    connections
        Where the connection is counted.

    Attributes
    ----------
    deadline_s
        Time of the event loop at which the connection is closed; infinite while no part of a request is due.
    answered
        Whether a request has been answered.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        *,
        settings: ServiceSettings,
        connections: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state)
        self.deadline_s = math.inf
        self.answered = False
        self._connections = connections
        self._head_timeout_s = settings.head_timeout_s
        self._body_timeout_s = settings.body_timeout_s + _AFTER_BODY_TIMEOUT_S
        self._most_on_wire = 2 * settings.max_body_bytes + 1024 * 1024
        self._refused = False
        self._head_open = self._body_open = False
        self._head_bytes = self._header_count = 0
        self._without_progress = self._on_wire = 0

    # What a connection is asked for (`Connection`).

    def give_way(self) -> None:
        """Answer 503 and close."""
        self._refuse(503, "too many connections; retry later", linger=False)

    def time_out(self) -> bool:
        """Answer 408 and close; close only, if nothing was received or the answer was given.

        Returns
        -------
        False if earlier requests are still being answered: their client could not send the rest.
        """
        if self._is_answering():
            self._due(self._body_timeout_s)
            return False
        if self._refused or self._body_open or not self._head_open:
            self.abort()
        else:
            self._refuse(408, f"the request headers did not arrive within {self._head_timeout_s:g} s")
        return True

    def unsent(self) -> int:
        """Return the size of the transport's buffer."""
        return self.transport.get_write_buffer_size()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()

    # Callbacks of the event loop.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._connections.waits(self)
        self._due(self._head_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        self._connections.lost(self)

    def data_received(self, data: bytes) -> None:
        """Parse what was received, unless the connection is being closed."""
        if self._refused:
            return
        if self.deadline_s == math.inf and not self._is_answering():
            self._due(self._head_timeout_s)
        self._without_progress += len(data)
        self._on_wire += len(data)
        self._unset_keepalive_if_required()
        self._parse(data)
        if self._without_progress > MAX_HEAD_BYTES:
            self._refuse(431, f"the request headers are larger than {MAX_HEAD_BYTES} bytes")
        elif self._body_open and self._on_wire > self._most_on_wire:
            self._refuse(413, "the request is too large")
        self._note_state()

    def _parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._parse_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            message = "Invalid HTTP request received."
            self.logger.warning(message)
            self.send_400_response(message)

    def _parse_without_upgrade(self, rest: bytes) -> None:
        """Parse a request again without its wish for another protocol, which may be ignored (RFC 9110, section 7.8).

        The parser has stopped after the head, so that `rest` is its body and what follows.
        """
        if self.parser.get_method() == b"CONNECT":
            self._refuse(400, "this server is no proxy")
            return
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        for name, value in self.headers:
            if name == b"connection":
                kept = [
                    word for word in value.split(b",") if word.strip().lower() in {b"close", b"keep-alive"}
                ]
                lines.append(b"connection: " + b",".join(kept))
            elif name != b"upgrade":
                lines.append(b"%s: %s" % (name, value))
        self.parser = _parser_for(self)
        self._parse(b"\r\n".join(lines) + b"\r\n\r\n" + rest)

    # Callbacks of the parser.

    def on_message_begin(self) -> None:
        """Count from the beginning."""
        super().on_message_begin()
        self._head_open = True
        self._head_bytes = self._header_count = self._on_wire = 0

    def on_url(self, url: bytes) -> None:
        """Count the bytes of a URL."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header; a trailer is counted, too, but is not added to the headers of the request."""
        self._header_count += 1
        self._count(len(name) + len(value) + 4)
        if self._head_open:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer, unless too many requests of this connection wait already."""
        if self.parser.should_upgrade():
            return  # `_parse_without_upgrade` follows
        if len(self.pipeline) >= _MAX_PIPELINED:
            raise _RefusedError
        if self._connections.is_busy():
            self.scope["state"][BUSY] = True
        super().on_headers_complete()  # raises if the URL is none
        self._head_open, self._body_open, self._without_progress = False, True, 0
        self._due(self._body_timeout_s)

    def on_body(self, body: bytes) -> None:
        """Note that the body grows."""
        self._without_progress = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request has arrived."""
        if self.parser.should_upgrade():
            return
        self._body_open, self._without_progress = False, 0
        self.deadline_s = math.inf
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.answered = True
        super().on_response_complete()
        if self._head_open and self.deadline_s == math.inf:
            self._due(self._head_timeout_s)
        self._note_state()

    def send_400_response(self, msg: str) -> None:
        """Reject what the parser does not accept."""
        too_large = self._head_bytes > MAX_HEAD_BYTES or self._header_count > MAX_HEADERS
        if too_large:
            msg = f"the request has more than {MAX_HEAD_BYTES} bytes of headers or more than {MAX_HEADERS} headers"
        self._refuse(431 if too_large else 400, msg)

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES or self._header_count > MAX_HEADERS:
            raise _RefusedError

    def _is_answering(self) -> bool:
        """Return whether a complete request has no complete reply yet."""
        return bool(self.pipeline) or (
            self.cycle is not None and not self.cycle.response_complete and not self._body_open
        )

    def _note_state(self) -> None:
        if self._is_answering():
            self._connections.asks(self)
        elif not self.transport.is_closing():
            self._connections.waits(self)

    def _due(self, within_s: float) -> None:
        self.deadline_s = self.loop.time() + within_s

    def _refuse(self, status: int, message: str, *, linger: bool = True) -> None:
        """Reply and close; after the replies to the requests before, if there are any."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        if self._is_answering():
            last = self.pipeline[0][0] if self.pipeline else self.cycle
            last.keep_alive = False
            self.deadline_s = math.inf
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            if not (self._body_open and self.cycle.response_complete):
                self.transport.write(_reply(status, message))
            if self.cycle is not None:
                self.cycle.disconnected = True
                self.cycle.message_event.set()
        self._due(_LINGER_S)
        if linger and self.transport.can_write_eof():
            self.flow.resume_reading()
            self.transport.write_eof()
        else:
            self.transport.close()


def _parser_for(protocol: BoundedProtocol) -> httptools.HttpRequestParser:
    """Return a new parser, as lenient as the one that uvicorn makes: requests after one that closes are answered."""
    parser = httptools.HttpRequestParser(protocol)
    if hasattr(parser, "set_dangerous_leniencies"):  # httptools 0.6.3
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def _reply(status: int, message: str) -> bytes:
    body = f"{message}\n".encode()
    retry = "retry-after: 1\r\n" if status == 503 else ""
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: text/plain; charset=utf-8\r\n{retry}"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
