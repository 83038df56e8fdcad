"""Replies in the usual form are read as h11 reads them; every other form is left to h11."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import h11
import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.http_client.plain_replies import Reply, ReplyReader

POST = h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "0")])
HEAD = h11.Request(method="HEAD", target="/", headers=[("Host", "x")])


class Pieces(httpcore.NetworkStream):
    """Yields given pieces, then the end of the connection."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = list(pieces)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the interface
        """Return the next piece, or its beginning."""
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        if len(piece) > max_bytes:
            self.pieces.insert(0, piece[max_bytes:])
        return piece[:max_bytes]


def read(*pieces: bytes, request: h11.Request = POST) -> tuple[Reply, bytes]:
    """Return the reply and its body."""
    reply = ReplyReader(Pieces(pieces), request).read()
    return reply, b"".join(reply.parts)


USUAL = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nX-A:  1 \r\nContent-Length: 4\r\n\r\n"


def test_a_usual_reply_is_read_to_its_length() -> None:
    """Names in lower case, values without spaces around them; the connection can be used again."""
    reply, body = read(USUAL + b"ab", b"cd")
    assert (reply.status, body, reply.reusable) == (200, b"abcd", True)
    assert reply.merged_headers() == {"content-type": "a/b", "x-a": "1", "content-length": "4"}
    assert reply.headers_s <= reply.body_s


@given(st.lists(st.integers(1, len(USUAL) + 3), max_size=4))
def test_where_a_reply_is_cut_changes_nothing(cuts: list[int]) -> None:
    """A reply in one piece is read here, one whose headers come in two by h11: both agree."""
    whole, places = USUAL + b"abcd", [0, *sorted(set(cuts)), len(USUAL) + 4]
    pieces = [whole[start:end] for start, end in pairwise(places) if start < end]
    reply, body = read(*pieces)
    assert (reply.status, body, reply.reusable) == (200, b"abcd", True)
    assert reply.merged_headers() == read(whole)[0].merged_headers()


@pytest.mark.parametrize(
    ("reply", "body", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", b"ab", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + USUAL + b"abcd", b"abcd", True),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n", b"", True),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", b"ab", False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab", b"ab", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", b"ab", True),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab", b"ab", True),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b"", True),
        (USUAL + b"abcdHTTP/1.1 200 OK\r\n", b"abcd", False),
    ],
)
def test_every_form_of_a_body_is_read(reply: bytes, body: bytes, reusable: bool) -> None:
    """Chunked, after an interim reply, without a body, to the end of the connection, with surplus bytes."""
    found, content = read(reply)
    assert (content, found.reusable) == (body, reusable)


def test_a_reply_to_head_has_no_body() -> None:
    """Its length is that of another reply."""
    assert read(USUAL, request=HEAD)[1] == b""


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ((), "disconnected without sending"),
        ((b"HTTP/1.1 200 OK\r\nA",), "disconnected without sending"),
        ((USUAL + b"ab",), "without sending complete message body"),
        ((b"SSH-2.0-OpenSSH\r\n\r\n",), "illegal status line"),
        ((b"HTTP/1.1 200 OK\r\nbad header: x\r\n\r\n",), "illegal header"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab",), "conflicting"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n",), "bad Content-Length"),
        ((b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,), "too long|too large|exceed|receive buffer"),
    ],
)
def test_what_is_no_http_is_named(pieces: tuple[bytes, ...], said: str) -> None:
    """As httpcore names it."""
    with pytest.raises(httpcore.RemoteProtocolError, match=f"(?i){said}"):
        read(*pieces)


def test_repeated_headers_are_joined() -> None:
    """As httpx shows them."""
    head = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: \xc3\xa9\r\nContent-Length: 0\r\n\r\n"
    assert read(head)[0].merged_headers() == {"x-a": "1, \u00e9", "content-length": "0"}
