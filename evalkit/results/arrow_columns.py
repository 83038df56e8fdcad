"""Columns between Arrow and numpy. Arrow's own conversions import pandas, which takes longer than most tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.formats.arrow_names import number_array, text_array

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

_MANY = 50_000
"""Values of which Arrow's own conversion takes less time, with the import of pandas, than one in Python."""


def to_arrow(values: Any, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """Return a sequence, in which None and NaN are missing, as an array of texts, numbers or truth values.

    An array of Arrow is returned as it is.
    """
    import pyarrow as pa

    if isinstance(values, pa.Array):
        return values
    if len(values) > _MANY:
        return pa.array(values, type=kind, from_pandas=True)
    listed: list[Any] = values.tolist() if isinstance(values, np.ndarray) else list(values)
    known = [value is not None and value == value for value in listed]  # noqa: PLR0124 - false for NaN
    bits = None if all(known) else pa.py_buffer(np.packbits(known, bitorder="little"))
    if pa.types.is_string(kind):
        texts = [value if there else "" for value, there in zip(listed, known, strict=True)]
        packed = text_array(texts, errors="strict")
        return pa.StringArray.from_buffers(len(texts), *packed.buffers()[1:], null_bitmap=bits)
    filled = np.array([value if there else 0 for value, there in zip(listed, known, strict=True)])
    exact = kind.to_pandas_dtype()
    if pa.types.is_boolean(kind):
        packed = np.packbits(filled.astype(exact), bitorder="little")
    else:
        packed = filled.astype(exact)
        if (packed != filled).any():
            raise ValueError(f"a value is no {kind}")
    return pa.Array.from_buffers(kind, len(listed), [bits, pa.py_buffer(packed)])


def repeated(values: Sequence[Any], counts: Sequence[int], kind: str) -> pa.Array:
    """Return an array with each value as many times as its count; see `to_arrow`."""
    import pyarrow as pa

    rows = number_array(np.repeat(np.arange(len(values)), counts))
    return to_arrow(values, getattr(pa, kind)()).take(rows)


def to_numpy(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return the ``(r,)`` values of a column of numbers, truth values or texts of a dictionary.

    Equal texts are one object, a missing one is None. Where numbers or truth values are missing, all are float64 and
    these are NaN.
    """
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        return _texts(column.unify_dictionaries().combine_chunks())
    if pa.types.is_boolean(column.type):
        whole = _raw(column.cast(pa.uint8()))
        return whole if column.null_count else whole.astype(np.bool_)
    return _raw(column)


def scalar(value: int, kind: pa.DataType) -> pa.Scalar[Any]:
    """Return a number as an Arrow scalar."""
    import pyarrow as pa

    return pa.Array.from_buffers(pa.int64(), 1, [None, pa.py_buffer(np.array([value]))]).cast(kind)[0]


def codes_of(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[Any]]:
    """Return the ``(r,)`` codes of the values of a column, and the value of each code; a missing one is None."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        coded = column.unify_dictionaries().combine_chunks()
        return _places(coded).astype(np.int64), [*coded.dictionary.to_pylist(), None]
    values = to_numpy(column)
    distinct, codes = np.unique(values, return_inverse=True)
    kind = float if column.type == "double" else int
    return codes, [None if value != value else kind(value) for value in distinct.tolist()]  # noqa: PLR0124


def changes(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return ``(r,)`` whether a value differs from the one before it; the first one does. Missing ones are equal."""
    import pyarrow as pa

    coded = pa.types.is_dictionary(column.type)
    values = _places(column.unify_dictionaries().combine_chunks()) if coded else to_numpy(column)
    before = values[:-1]
    differs = np.ones(len(values), dtype=np.bool_)
    differs[1:] = (values[1:] != before) & ~((values[1:] != values[1:]) & (before != before))  # noqa: PLR0124
    return differs


def _texts(coded: pa.DictionaryArray) -> NDArray[Any]:
    words = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
    shared: NDArray[Any] = words[_places(coded)]
    return shared


def _places(coded: pa.DictionaryArray) -> NDArray[Any]:
    """Return the ``(r,)`` places of texts in their dictionary; a missing one is after the last."""
    places = _values(coded.indices)
    return np.where(_known(coded.indices), places, len(coded.dictionary)) if coded.null_count else places


def _raw(column: pa.ChunkedArray) -> NDArray[Any]:
    parts = [_values(chunk) for chunk in column.chunks]
    if not parts:
        return np.empty(0, dtype=column.type.to_pandas_dtype())
    if not column.null_count:
        return np.concatenate(parts)
    known = np.concatenate([_known(chunk) for chunk in column.chunks])
    return np.where(known, np.concatenate(parts).astype(np.float64), np.nan)


def _values(array: pa.Array) -> NDArray[Any]:
    """Return the ``(r,)`` numbers of an array; any number where one is missing."""
    data, kind = array.buffers()[1], np.dtype(array.type.to_pandas_dtype())
    if data is None:
        return np.zeros(len(array), kind)
    return np.frombuffer(data, kind, len(array), array.offset * kind.itemsize)


def _known(array: pa.Array) -> NDArray[np.bool_]:
    """Return ``(r,)`` whether each value is known."""
    import pyarrow as pa

    if not array.null_count:
        return np.ones(len(array), np.bool_)
    return _values(array.is_valid().cast(pa.uint8())).astype(np.bool_)
