"""A cache of embedded texts on disk, as the vectors of a collection may not fit into memory."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import StorageError


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """An embedded text.

    Attributes
    ----------
    vector
        ``(dimension,)`` float32, or ``(tokens, dimension)`` for models with one vector per token.
    tokens
        Number of tokens read.
    truncated
        Whether the text was cut to the length limit.
    """

    vector: NDArray[np.float32]
    tokens: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """The position and shape of a vector in the file, and the other fields of `Embedded`."""

    offset: int
    shape: tuple[int, ...]
    tokens: int
    truncated: bool


class EmbeddingCache:
    """Text -> `Embedded`. Vectors are in an anonymous temporary file that is removed when the process ends."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self._file: BinaryIO | None = None

    def __contains__(self, text: str) -> bool:
        return text in self._places

    def __setitem__(self, text: str, embedded: Embedded) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="evalkit-", buffering=0)  # noqa: SIM115 - closed below
            offset = os.lseek(self._file.fileno(), 0, os.SEEK_END)
            self._file.write(np.ascontiguousarray(embedded.vector, dtype=np.float32).tobytes())
        except OSError as error:
            raise StorageError(
                f"cannot write embeddings to {tempfile.gettempdir()}: {error}",
                "set TMPDIR to a folder with more free space",
            ) from None
        self._places[text] = _Place(offset, embedded.vector.shape, embedded.tokens, embedded.truncated)

    def __getitem__(self, text: str) -> Embedded:
        place = self._places[text]
        if self._file is None:
            raise KeyError(text)
        size = 4 * int(np.prod(place.shape))
        read = os.pread(self._file.fileno(), size, place.offset)
        return Embedded(
            np.frombuffer(read, dtype=np.float32).reshape(place.shape), place.tokens, place.truncated
        )

    def clear(self) -> None:
        """Remove all entries."""
        self._places.clear()
        if self._file is not None:
            self._file.close()
            self._file = None
