"""Rows of a table as numpy columns, which commands use instead of a pandas frame: pandas takes 0.2 s to import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of a table.

    Attributes
    ----------
    columns
        Name -> ``(r,)`` values. A missing text is None; a column with a missing number or truth value is float64 with
        NaN.
    """

    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def known(self, name: str) -> NDArray[np.bool_]:
        """Return ``(r,)`` whether a column has a value."""
        column = self.columns[name]
        found = column != None if column.dtype == object else ~np.isnan(column)  # noqa: E711 - by element
        return np.asarray(found, dtype=np.bool_)

    def values_of(self, name: str) -> NDArray[Any]:
        """Return the known values of a column."""
        return self.columns[name][self.known(name)]

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return ``(r,)`` a column of numbers, NaN where unknown."""
        return self.columns[name].astype(np.float64)

    def take(self, places: NDArray[np.bool_] | NDArray[np.intp]) -> Rows:
        """Return the rows where a condition holds, or those of some numbers in their order."""
        return Rows({name: column[places] for name, column in self.columns.items()})

    def where(self, name: str, value: str) -> Rows:
        """Return the rows with a text in a column."""
        return self.take(self.columns[name] == value)

    def groups(self, names: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], Rows]]:
        """Yield each combination of the values of some columns with its rows, in the order of their first rows.

        Missing values are None.
        """
        keys = zip(*(_listed(self.columns[name]) for name in names), strict=True)
        places: dict[tuple[Any, ...], list[int]] = {}
        for place, key in enumerate(keys):
            places.setdefault(key, []).append(place)
        for key, of_key in places.items():
            yield key, self.take(np.array(of_key, dtype=np.intp))


def _listed(column: NDArray[Any]) -> list[Any]:
    """Return values with None for NaN, which is not equal to itself."""
    values: list[Any] = column.tolist()
    return [None if value != value else value for value in values] if column.dtype.kind == "f" else values  # noqa: PLR0124
