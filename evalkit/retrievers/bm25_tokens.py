"""Encode the tokens of texts as integers, so that each distinct token is stemmed once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
        ``(o,)`` index in `tokens` of each token occurrence.
    offsets
        ``(d + 1,)`` occurrences ``offsets[i]:offsets[i + 1]`` belong to text ``i``.
    tokens
        ``(t,)`` tokens of these texts, each with one or more spaces behind it: an Arrow array of unique large strings.
    """

    codes: NDArray[np.int32]
    offsets: NDArray[np.int64]
    tokens: pa.Array


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


def encode(texts: Sequence[str], analyzer: Analyzer) -> EncodedTexts:
    """Return the encoded tokens of a chunk of texts."""
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
    return EncodedTexts(
        codes=np.from_dlpack(encoded.indices),
        offsets=np.searchsorted(starts, np.cumsum([0, *sizes])),
        tokens=encoded.dictionary,
    )
