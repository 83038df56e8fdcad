"""Compressed bodies are unpacked in bounded steps."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.http_client.content_coding import CodingError, decompressed


def raw_deflate(data: bytes) -> bytes:
    """Return data in the raw format that some servers send as ``deflate``."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def in_parts(data: bytes, size: int) -> Iterable[bytes]:
    """Return data as it may arrive."""
    return [data[start : start + size] for start in range(0, len(data), size)]


@given(st.binary(max_size=3000), st.integers(1, 100))
def test_every_coding_gives_the_body_back(data: bytes, size: int) -> None:
    """However it is cut into parts."""
    for coding, packed in (
        ("", data), ("identity", data), ("gzip", gzip.compress(data)), ("X-GZIP", gzip.compress(data)),
        ("deflate", zlib.compress(data)),
    ):  # fmt: skip
        assert b"".join(decompressed(in_parts(packed, size), coding)) == data
    if size > 1:  # one byte does not tell the two formats of deflate apart
        assert b"".join(decompressed(in_parts(raw_deflate(data), size), "deflate")) == data


def test_no_step_is_larger_than_a_mebibyte() -> None:
    """64 kB in, at most 1 MiB out at a time: the caller stops where it is enough."""
    steps = list(decompressed([gzip.compress(bytes(10**7), 9)], "gzip"))
    assert max(map(len, steps)) == 2**20
    assert sum(map(len, steps)) == 10**7


@pytest.mark.parametrize(
    ("body", "coding", "said"),
    [
        (b"{}", "br", "'br' was not asked for"), (b"{}", "gzip, gzip", "'gzip, gzip' was not asked for"),
        (b"not gzip", "gzip", "invalid"), (gzip.compress(b"{}", mtime=0)[:-9], "gzip", "incomplete"),
    ],
)  # fmt: skip
def test_what_cannot_be_unpacked_is_an_error(body: bytes, coding: str, said: str) -> None:
    """An unknown coding, damage, an end that is missing."""
    with pytest.raises(CodingError, match=said):
        list(decompressed([body], coding))


def test_what_follows_the_end_is_ignored_and_nothing_is_nothing() -> None:
    """Padding behind a gzip member; a reply without a body whose header promises gzip."""
    assert b"".join(decompressed([gzip.compress(b"{}") + b"\0\0", b"\0"], "gzip")) == b"{}"
    assert b"".join(decompressed([], "gzip")) == b""
