"""Encode the tokens of texts as integers, so that each distinct token is stemmed once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evalkit.text_analysis import Analyzer

if TYPE_CHECKING:
    import pyarrow as pa

_CHUNK_CHARACTERS = 1 << 23
"""Characters of text encoded at once: many chunks repeat the frequent words; large ones need more memory than the
processor's cache has."""
_GAP = ord(" ")


@dataclass(frozen=True, slots=True, eq=False)
class EncodedTexts:
    """The tokens of consecutive texts.

    Attributes
    ----------
    codes
        ``(o,)`` index of the token of each occurrence among the distinct tokens of these texts.
    offsets
        ``(d + 1,)`` occurrences ``offsets[i]:offsets[i + 1]`` belong to text ``i``.
    """

    codes: NDArray[np.int32]
    offsets: NDArray[np.int64]


def chunked(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield texts in chunks to encode; the last chunk may be empty, so that there is always one."""
    chunk: list[str] = []
    remaining = _CHUNK_CHARACTERS
    for text in texts:
        chunk.append(text)
        remaining -= len(text)
        if remaining <= 0:
            yield chunk
            chunk, remaining = [], _CHUNK_CHARACTERS
    yield chunk


def encode(texts: Sequence[str], analyzer: Analyzer) -> tuple[EncodedTexts, pa.Array]:
    """Encode a chunk of texts.

    Returns
    -------
    encoded, tokens
        The token occurrences, and the ``(t,)`` distinct tokens: an Arrow array of large strings. Each has one or more
        spaces behind it, and is a token of its own for each number of them.
    """
    import pyarrow as pa

    block, sizes = analyzer.token_block(texts)
    characters = np.frombuffer(block, dtype=np.uint8)
    in_token = np.empty(len(characters) + 1, dtype=bool)
    in_token[0] = False
    np.not_equal(characters, _GAP, out=in_token[1:])
    starts = np.flatnonzero(in_token[1:] > in_token[:-1])
    # With the gap behind it, each token is a string of Arrow's without a copy.
    offsets = np.append(starts, len(characters))
    spaced = pa.LargeStringArray.from_buffers(len(starts), pa.py_buffer(offsets), pa.py_buffer(block))
    encoded = spaced.dictionary_encode()
    # Arrow's own codes keep more memory than they fill.
    codes: NDArray[np.int32] = numbers(encoded.indices).copy()
    return EncodedTexts(codes, np.searchsorted(starts, np.cumsum([0, *sizes]))), encoded.dictionary


def numbers(array: pa.Array) -> NDArray[Any]:
    """Return the numbers of an Arrow array without nulls, uncopied; Arrow's own method imports pandas."""
    values: NDArray[Any] = np.from_dlpack(array)
    return values
