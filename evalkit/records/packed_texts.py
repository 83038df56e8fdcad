"""Many texts in one buffer: a large corpus uses it instead of one Python string per document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import overload

import numpy as np
from numpy.typing import NDArray

_BLOCK = 4096
"""Number of offsets converted to Python integers at once during iteration."""


@dataclass(frozen=True, slots=True, eq=False)
class PackedTexts(Sequence[str]):
    """A sequence of texts in one UTF-8 buffer; a text is decoded when it is accessed.

    Lone surrogates, which JSON can contain, are preserved. A pickled slice contains only its own bytes.

    Attributes
    ----------
    data
        ``(b,)`` concatenated bytes of all texts; may be memory-mapped.
    offsets
        ``(n + 1,)`` byte offsets: text ``i`` is ``data[offsets[i]:offsets[i + 1]]``.
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @classmethod
    def pack(cls, texts: Iterable[str]) -> PackedTexts:
        """Build from texts in memory."""
        parts = [text.encode("utf-8", "surrogatepass") for text in texts]
        offsets = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        return cls(np.frombuffer(b"".join(parts), dtype=np.uint8), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return self._slice(*index.indices(len(self)))
        row = range(len(self))[index]
        return str(self.data[self.offsets[row] : self.offsets[row + 1]].data, "utf-8", "surrogatepass")

    def _slice(self, start: int, stop: int, step: int) -> Sequence[str]:
        if step != 1:
            return tuple(self[row] for row in range(start, stop, step))
        offsets = self.offsets[start : max(start, stop) + 1]
        return PackedTexts(self.data[offsets[0] : offsets[-1]], offsets - offsets[0])

    def __iter__(self) -> Iterator[str]:
        view = self.data.data
        for start in range(0, len(self), _BLOCK):
            edges = self.offsets[start : start + _BLOCK + 1].tolist()
            for left, right in pairwise(edges):
                yield str(view[left:right], "utf-8", "surrogatepass")
