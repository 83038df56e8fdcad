"""Every form of a reply is read to its end; bytes that are no reply, or follow one, answer no request."""

from __future__ import annotations

import contextlib
import gc
import weakref
from collections.abc import Sequence
from itertools import pairwise

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.http_client import replies
from evalkit.http_client.replies import Reply, ReplyReader


class Pieces:
    """Yields given pieces, which arrive one second after each other, then the end of the connection."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = list(pieces)
        self.received_s, self.is_noted = 0.0, False

    def read(self, max_bytes: int) -> bytes:
        """Return the next piece, or its beginning."""
        self.received_s += 1
        self.is_noted = bool(self.pieces)
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        if len(piece) > max_bytes:
            self.pieces.insert(0, piece[max_bytes:])
        return piece[:max_bytes]


def read(*pieces: bytes) -> tuple[Reply, bytes]:
    """Return the reply and its body."""
    reply = ReplyReader(Pieces(pieces)).read()
    return reply, b"".join(reply.parts)


USUAL = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nX-A:  1 \r\nX-Empty:\r\nContent-Length: 4\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;note=x\r\nab\r\n1\r\nc\r\n0\r\nX-Trailer: 1\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"


def test_a_reply_is_read_to_its_length() -> None:
    """Names in lower case, values without spaces around them; the connection can be used again."""
    reply, body = read(USUAL + b"ab", b"cd")
    assert (reply.status, body, reply.reusable) == (200, b"abcd", True)
    assert reply.merged_headers() == {
        "content-type": "a/b",
        "x-a": "1",
        "x-empty": "",
        "content-length": "4",
    }
    assert (reply.headers_s, reply.body_s, reply.is_noted) == (1, 2, True)


@given(st.sampled_from([USUAL + b"abcd", CHUNKED, INTERIM + USUAL + b"abcd"]), st.sets(st.integers(1, 150)))
def test_where_a_reply_is_cut_changes_nothing(whole: bytes, cuts: set[int]) -> None:
    """A reply in one piece and the same reply in many are equal."""
    places = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    reply, body = read(*(whole[start:end] for start, end in pairwise(places)))
    expected, expected_body = read(whole)
    assert (reply.status, reply.headers, reply.reusable) == (expected.status, expected.headers, True)
    assert body == expected_body


@pytest.mark.parametrize(
    ("reply", "body", "reusable"),
    [
        (CHUNKED, b"abc", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + INTERIM + USUAL + b"abcd", b"abcd", True),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n", b"", True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n", b"", True),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", b"ab", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab", b"ab", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab", b"ab", False),
        (
            b"HTTP/1.1 200 OK\r\nConnection: x\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nab",
            b"ab",
            False,
        ),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab", b"ab", True),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b"", True),
        (b"HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nab", b"ab", True),
    ],
)
def test_every_form_of_a_body_is_read(reply: bytes, body: bytes, reusable: bool) -> None:
    """Chunked, after interim replies, without a body, to the end of the connection, of an older version."""
    found, content = read(reply)
    assert (content, found.reusable) == (body, reusable)
    assert "link" not in dict(found.headers)
    assert "x-trailer" not in dict(found.headers)


@pytest.mark.parametrize("first", [USUAL + b"abcd", CHUNKED, b"HTTP/1.1 204 No Content\r\n\r\n"])
@pytest.mark.parametrize(
    "surplus", [b"x", b"H", b"HTTP/1.1 200 OK\r\nX-A: 2\r\nContent-Length: 1\r\n\r\nz", b"\0"]
)
def test_bytes_after_a_reply_end_its_connection(first: bytes, surplus: bytes) -> None:
    """They change neither the reply nor its body, and the next request uses another connection."""
    reply, body = read(first + surplus)
    expected, expected_body = read(first)
    assert (reply.status, reply.headers, body) == (expected.status, expected.headers, expected_body)
    assert not reply.reusable
    assert expected.reusable


def test_surplus_after_a_closing_reply_is_dropped() -> None:
    """The reply was complete before."""
    reply, body = read(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nabcd")
    assert (body, reply.reusable) == (b"ab", False)


def head(*lines: bytes) -> bytes:
    """Return a reply with these header lines and the body ``ab``."""
    return b"HTTP/1.1 200 OK\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\nab"


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ((), "disconnected without sending"),
        ((b"HTTP/1.1 200 OK\r\nA",), "disconnected without sending"),
        ((INTERIM,), "disconnected without sending"),
        ((USUAL + b"ab",), "without sending complete message body"),
        ((CHUNKED[:-2],), "without sending complete message body"),
        ((head(b"Transfer-Encoding: gzip"),), "without sending complete message body"),
        ((b"SSH-2.0-OpenSSH\r\n\r\n",), "not valid HTTP/1.1: Expected HTTP/"),
        ((b"HTTP/1.1 2000 OK\r\n\r\n",), "not valid"),
        ((b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",), "not valid"),
        ((head(b"bad header: x"),), "Invalid header token"),
        ((head(b"X : 1", b"Content-Length: 2"),), "Invalid header token"),
        ((head(b"X: 1\0", b"Content-Length: 2"),), "Invalid header value"),
        ((head(b"X: 1", b" folded", b"Content-Length: 2"),), "whitespace after header value"),
        ((head(b"Content-Length: 2", b"Content-Length: 3"),), "Content-Length"),
        ((head(b"Content-Length: -2"),), "Content-Length"),
        ((head(b"Content-Length: +2"),), "Content-Length"),
        ((head(b"Content-Length: " + b"9" * 30),), "Content-Length"),
        ((head(b"Content-Length: 2", b"Transfer-Encoding: chunked"),), "Content-Length"),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",), "chunk size"),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n",), "chunk size"),
        ((b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,), "too long"),
        ((INTERIM + b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,), "too long"),
    ],
)
def test_what_is_no_reply_is_an_error(pieces: tuple[bytes, ...], said: str) -> None:
    """Cut off, ambiguous in its length, malformed, of another protocol, or endless."""
    with pytest.raises(httpcore.RemoteProtocolError, match=f"(?i){said}"):
        read(*pieces)


@given(st.binary(max_size=200), st.integers(0, 60), st.integers(0, 60))
def test_damaged_replies_give_a_reply_or_an_error_of_the_protocol(
    junk: bytes, start: int, length: int
) -> None:
    """Never another exception, and no body longer than what was sent."""
    for whole in (USUAL + b"abcd", CHUNKED):
        damaged = whole[:start] + junk + whole[start + length :]
        try:
            _, body = read(damaged)
        except httpcore.RemoteProtocolError:
            continue
        assert len(body) <= len(damaged)


def test_repeated_headers_are_joined() -> None:
    """As httpx shows them."""
    reply, _ = read(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: \xc3\xa9\r\nX-B: \xe9\r\nContent-Length: 0\r\n\r\n")
    assert reply.merged_headers() == {"x-a": "1, \u00e9", "x-b": "\u00e9", "content-length": "0"}


@pytest.mark.parametrize("whole", [USUAL + b"abcd", CHUNKED, b"HTTP/1.1 200 OK\r\n\r\nend", b"no reply"])
def test_a_reply_is_freed_without_garbage_collection(whole: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """None runs while calls are timed: what a parser holds would remain in memory."""
    made = []

    class Watched(replies._Message):
        """Remembers weakly that it was made."""

        def __init__(self) -> None:
            super().__init__()
            made.append(weakref.ref(self))

    monkeypatch.setattr(replies, "_Message", Watched)
    gc.disable()
    try:
        with contextlib.suppress(httpcore.RemoteProtocolError):
            read(whole)
        assert [one() for one in made] == [None]
    finally:
        gc.enable()
