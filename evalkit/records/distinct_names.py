"""Distinct names of documents, to which the rows of runs and judgments refer by number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import overload

import numpy as np
from numpy.typing import NDArray

from evalkit.records.packed_texts import PackedTexts

_MATCHED = 3
"""Other names of which the codes are kept."""


class Names(Sequence[str]):
    """Distinct names; the code of a name is its place.

    Names from a file stay in one buffer until one is asked for: a file of millions of rows needs few of them. Runs that
    were made from each other share one object, so the names are decoded and matched once.

    Parameters
    ----------
    texts
        ``(n,)`` the distinct names.
    """

    __slots__ = ("_codes", "_matched", "_packed", "_texts")

    def __init__(self, texts: Sequence[str]) -> None:
        self._packed = texts if isinstance(texts, PackedTexts) else None
        self._texts: tuple[str, ...] = () if self._packed is not None else tuple(texts)
        self._codes: dict[str, int] | None = None
        self._matched: tuple[tuple[Names, NDArray[np.int64]], ...] = ()

    @classmethod
    def of_rows(cls, rows: Sequence[str]) -> tuple[Names, NDArray[np.int64]]:
        """Return the names of rows in the order of their first row, and the ``(r,)`` code of each row."""
        code = {name: number for number, name in enumerate(dict.fromkeys(rows))}
        codes = np.fromiter(map(code.__getitem__, rows), dtype=np.int64, count=len(rows))
        names = cls(tuple(code))
        names._codes = code
        return names, codes

    @property
    def texts(self) -> tuple[str, ...]:
        """All names."""
        if self._packed is not None and not self._texts:
            self._texts = _decoded(self._packed)
        return self._texts

    @property
    def codes(self) -> dict[str, int]:
        """Name -> code."""
        if self._codes is None:
            self._codes = {name: code for code, name in enumerate(self.texts)}
        return self._codes

    def codes_of(self, others: Names) -> NDArray[np.int64]:
        """Return the ``(m,)`` code that each of other names has here; -1 where it has none."""
        if others is self:
            return np.arange(len(self))
        for names, known in others._matched:
            if names is self:
                return known
        if self._packed is not None and others._packed is not None:
            found = _positions(others._packed, self._packed)
        else:
            find = self.codes.get
            found = np.fromiter((find(name, -1) for name in others.texts), dtype=np.int64, count=len(others))
        # The documents of a run are matched with those of the judgments and of the candidates in turn.
        others._matched = ((self, found), *others._matched[: _MATCHED - 1])
        return found

    def __len__(self) -> int:
        return len(self._texts) if self._packed is None else len(self._packed)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return self.texts[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __reduce__(self) -> tuple[type[Names], tuple[Sequence[str]]]:
        return Names, (self.texts if self._packed is None else self._packed,)


def _decoded(packed: PackedTexts) -> tuple[str, ...]:
    """Return the texts; those of one byte a character are decoded together."""
    whole = packed.data.tobytes()
    if not whole.isascii():
        return tuple(packed)
    text = whole.decode("ascii")
    return tuple(text[left:right] for left, right in pairwise(packed.offsets.tolist()))


def _positions(texts: PackedTexts, among: PackedTexts) -> NDArray[np.int64]:
    """Return the ``(n,)`` place of each text among others, -1 where it is not among them; none is decoded."""
    import pyarrow as pa
    from pyarrow import compute

    def array(packed: PackedTexts) -> pa.Array:
        buffers = pa.py_buffer(packed.offsets), pa.py_buffer(packed.data)
        return pa.LargeStringArray.from_buffers(len(packed), *buffers)

    found = compute.fill_null(compute.index_in(array(texts), value_set=array(among)), -1)
    return np.from_dlpack(found).astype(np.int64)
