"""Decompress the body of a reply step by step, so that no small reply becomes a large one in memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

ACCEPTED = "gzip, deflate"
"""Value of ``Accept-Encoding``. Other codings would need a decoder that can be stopped at a size."""
_STEP_BYTES = 1024 * 1024
_ZLIB_OR_GZIP = zlib.MAX_WBITS | 32


class CodingError(Exception):
    """A body is not compressed as its header says."""


def decompressed(parts: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """Yield a body in parts of at most 1 MiB if it is compressed; otherwise yield `parts`.

    Parameters
    ----------
    parts
        The body as received.
    coding
        Value of ``Content-Encoding``; empty if the reply has none.

    Raises
    ------
    CodingError
        If the coding is unknown, or the body is damaged or incomplete.
    """
    name = coding.strip().lower()
    if name in {"", "identity"}:
        yield from parts
    elif name in {"gzip", "x-gzip", "deflate"}:
        yield from _inflated(parts)
    else:
        raise CodingError(f"its content-encoding {name[:40]!r} was not asked for")


def _inflated(parts: Iterable[bytes]) -> Iterator[bytes]:
    decoder = None
    for part in parts:
        if decoder is None and part:
            decoder = zlib.decompressobj(_window_bits(part))
        data = part
        while decoder is not None and data and not decoder.eof:
            try:
                yield decoder.decompress(data, _STEP_BYTES)
            except zlib.error as error:
                raise CodingError(str(error)) from None
            data = decoder.unconsumed_tail
    if decoder is not None and not decoder.eof:
        raise CodingError("its compressed body is incomplete")


def _window_bits(part: bytes) -> int:
    """Return the format of compressed data: gzip or zlib, or the raw deflate that some servers send as ``deflate``."""
    is_gzip = part[0] == 0x1F
    is_zlib = part[0] & 0x0F == 8 and (len(part) < 2 or (part[0] * 256 + part[1]) % 31 == 0)
    return _ZLIB_OR_GZIP if is_gzip or is_zlib else -zlib.MAX_WBITS
