"""Texts as runs of pieces: words, and single characters of scripts that put no spaces between words."""

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
_ODD = np.uint64(0x9E3779B97F4A7C15)
CHUNK = 2000
"""Texts held at once."""
MOST_WORDS = 1_000_000
"""Distinct words whose hashes are kept."""


def pieces(text: str) -> list[str]:
    """Return the words of a text in lower case; of scripts without spaces, every character."""
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
    """Some texts as hashed pieces.

    Attributes
    ----------
    hashes
        ``(p,)`` uint64, one for every piece.
    owner
        ``(p,)`` row of the text that it is of, ascending.
    """

    hashes: NDArray[np.uint64]
    owner: NDArray[np.int64]

    def windows(self, width: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Return a hash of every run of `width` pieces within one text, with the text's row."""
        count = len(self.hashes) - width + 1
        if count <= 0:
            return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
        mixed = np.zeros(count, dtype=np.uint64)
        for place in range(width):
            mixed = _mix(mixed * _ODD + self.hashes[place : place + count])
        within = self.owner[:count] == self.owner[width - 1 :]
        return mixed[within], self.owner[:count][within]


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return values whose every bit hangs on every bit (the finaliser of splitmix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)), dtype=np.uint64)


def chunks(texts: Sequence[str], rows: Iterable[int]) -> Iterator[Chunk]:
    """Yield some texts as hashed pieces, a bounded number at once."""
    known = _Hashes()
    hashes: list[NDArray[np.uint64]] = []
    owners: list[int] = []
    for row in rows:
        words = pieces(texts[row])
        hashes.append(np.fromiter(map(known.__getitem__, words), dtype=np.uint64, count=len(words)))
        owners.append(row)
        if len(owners) == CHUNK:
            yield _chunk(hashes, owners)
            hashes, owners = [], []
    if owners:
        yield _chunk(hashes, owners)


def _chunk(hashes: list[NDArray[np.uint64]], owners: list[int]) -> Chunk:
    return Chunk(np.concatenate(hashes), np.repeat(np.array(owners, dtype=np.int64), list(map(len, hashes))))
