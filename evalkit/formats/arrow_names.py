"""Numbers for the names in columns that Arrow read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import DataFormatError
from evalkit.records import Names, PackedTexts

if TYPE_CHECKING:
    import pyarrow as pa

MOST_SINGLE = 2**18
"""Rows that are read one by one and kept as such; then they become a column."""


@dataclass(frozen=True, slots=True)
class Codes:
    """Numbers of names, given in the order in which the names appear; for columns with few different names."""

    _codes: dict[str, int] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names; the code of each is its place."""
        return tuple(self._codes)

    def of(self, names: Iterable[str]) -> NDArray[np.int32]:
        """Return the ``(n,)`` codes of names."""
        codes = self._codes
        return np.array([codes.setdefault(name, len(codes)) for name in names], dtype=np.int32)

    def of_column(self, column: pa.ChunkedArray) -> NDArray[np.int32]:
        """Return the ``(r,)`` codes of a column from `in_runs`."""
        parts = [
            np.repeat(
                self.of(chunk.values.dictionary.to_pylist())[np.from_dlpack(chunk.values.indices)],
                np.diff(np.from_dlpack(chunk.run_ends), prepend=0),
            )
            for chunk in column.chunks
        ]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int32)


def in_runs(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of names that are mostly equal to the one above as runs of names, and these as a dictionary."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = pa.run_end_encoded(pa.int32(), pa.dictionary(pa.int32(), column.type))
    parts = []
    for part in map(pc.run_end_encode, column.chunks):
        children = [part.run_ends, pc.dictionary_encode(part.values)]
        parts.append(pa.RunEndEncodedArray.from_buffers(kind, len(part), [None], children=children))
    return pa.chunked_array(parts, kind)


def numbers(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return the ``(r,)`` values of a column of numbers without nulls."""
    # Arrow's own conversions to and from Python lists and numpy import pandas, which takes longer than the file.
    parts = [np.from_dlpack(chunk) for chunk in column.chunks]
    return np.concatenate(parts) if parts else np.empty(0)


def text_array(texts: Sequence[str], *, errors: str = "surrogatepass") -> pa.Array:
    """Return texts as an array; see `str.encode` for `errors`: what is written to a file is ``strict``.

    Raises
    ------
    DataFormatError
        If they have more than 2 GiB together.
    """
    import pyarrow as pa

    parts = [text.encode("utf-8", errors) for text in texts]
    edges = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    if edges[-1] > np.iinfo(np.int32).max:
        raise DataFormatError(
            f"a column has {edges[-1] / 2**30:.1f} GiB of texts, more than 2", "use shorter ids"
        )
    starts = pa.py_buffer(edges.astype(np.int32))
    return pa.StringArray.from_buffers(len(parts), starts, pa.py_buffer(b"".join(parts)))


def number_array(values: NDArray[Any]) -> pa.Array:
    """Return ``(r,)`` numbers as an array."""
    import pyarrow as pa

    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, data])


def names_and_codes(parts: list[pa.Array]) -> tuple[Names, NDArray[np.int32]]:
    """Return the distinct names of string arrays in the order of their first row, and the ``(r,)`` code of each row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = pc.dictionary_encode(pa.chunked_array(parts, pa.string()), memory_pool=pa.system_memory_pool())
    if not encoded.num_chunks:
        return Names(()), np.empty(0, dtype=np.int32)
    # All chunks share the dictionary of the last one: Arrow encodes them with one table.
    codes = np.concatenate([np.from_dlpack(chunk.indices) for chunk in encoded.chunks])
    return Names(_packed(encoded.chunks[-1].dictionary)), codes


def _packed(names: pa.StringArray) -> PackedTexts:
    """Return the texts of an array without a copy of their bytes."""
    _, offsets, data = names.buffers()
    edges = np.frombuffer(offsets, np.int32)[names.offset : names.offset + len(names) + 1].astype(np.int64)
    return PackedTexts(np.frombuffer(data, np.uint8), edges)
