"""Split texts into pieces and hash runs of them. Pieces are words, or characters of scripts without spaces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_PIECE = re.compile(f"[{_SPACELESS}]|[^\\W{_SPACELESS}]+")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
CHUNK = 2000
"""Texts per chunk."""
MOST_WORDS = 1_000_000
"""Maximum number of distinct words with a cached hash."""


def pieces(text: str) -> list[str]:
    """Return the case-folded words of a text, or every character of scripts without spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _PIECE.findall(text.casefold())


class _Hashes(dict[str, int]):
    """Word -> 64-bit hash, the same in every process."""

    def __missing__(self, word: str) -> int:
        if len(self) >= MOST_WORDS:
            self.clear()
        found = int.from_bytes(
            blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"
        )
        self[word] = found
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """The hashed pieces of several texts.

    Attributes
    ----------
    hashes
        ``(p,)`` uint64 hash of every piece.
    owner
        ``(p,)`` row of the piece's text, ascending.
    """

    hashes: NDArray[np.uint64]
    owner: NDArray[np.int64]

    def windows(self, width: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Return the hash of every run of `width` pieces within one text, and the text's row."""
        count = len(self.hashes) - width + 1
        if count <= 0:
            return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
        mixed = np.zeros(count, dtype=np.uint64)
        for place in range(width):
            mixed = _mix(mixed * _MULTIPLIER + self.hashes[place : place + count])
        within = self.owner[:count] == self.owner[width - 1 :]
        return mixed[within], self.owner[:count][within]


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return mixed values: every bit depends on all input bits (finaliser of splitmix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)), dtype=np.uint64)


def chunks(texts: Sequence[str], rows: Iterable[int]) -> Iterator[Chunk]:
    """Yield the hashed pieces of the texts in `rows`, up to `CHUNK` texts at a time."""
    word_hashes = _Hashes()
    hashes: list[NDArray[np.uint64]] = []
    owners: list[int] = []
    for row in rows:
        words = pieces(texts[row])
        hashes.append(np.fromiter(map(word_hashes.__getitem__, words), dtype=np.uint64, count=len(words)))
        owners.append(row)
        if len(owners) == CHUNK:
            yield _chunk(hashes, owners)
            hashes, owners = [], []
    if owners:
        yield _chunk(hashes, owners)


def _chunk(hashes: list[NDArray[np.uint64]], owners: list[int]) -> Chunk:
    return Chunk(np.concatenate(hashes), np.repeat(np.array(owners, dtype=np.int64), list(map(len, hashes))))
