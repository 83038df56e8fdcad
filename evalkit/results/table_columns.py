"""The columns that a table may have, and the check of tables that are read: somebody else may have written them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

MOST_AMOUNT = 10**15
"""Largest number of seconds, US dollars, tokens or bytes of a call: sums over all calls stay finite."""
DAMAGED = "check that the folder is complete and was not edited"
"""Hint for a damaged table."""


@dataclass(frozen=True, slots=True)
class Column:
    """What a column may hold.

    Attributes
    ----------
    kind
        Name of its Arrow type. Types that hold the same values are accepted, such as dictionaries and large strings.
    nullable
        Whether a value may be missing, and the column in tables of earlier versions.
    least, most
        Range of the numbers; None for any finite number.
    words
        The texts that it may hold; None for any.
    reported
        Whether a server reported the numbers: one outside the range is unknown, and no damage.
    """

    kind: str
    nullable: bool = False
    least: int | None = None
    most: int | None = None
    words: frozenset[str] | None = None
    reported: bool = False


def optional(
    kind: str, least: int | None = None, most: int | None = None, *, reported: bool = False
) -> Column:
    """Return a column whose values may be missing."""
    return Column(kind, nullable=True, least=least, most=most, reported=reported)


def kinds(columns: Mapping[str, Column]) -> dict[str, str]:
    """Return column -> name of its Arrow type, for writing."""
    return {name: column.kind for name, column in columns.items()}


def check_schema(schema: pa.Schema, columns: Mapping[str, Column], path: Path) -> None:
    """Check that a table has these columns, with types that can hold the same values; others are ignored.

    Raises
    ------
    InputError
        If one is missing, twice there, or has another type.
    """
    for name, column in columns.items():
        places = schema.get_all_field_indices(name)
        if not places and not column.nullable:
            raise _damaged(path, f"column {name!r} is missing")
        if len(places) > 1:
            raise _damaged(path, f"column {name!r} occurs {len(places)} times")
        if places and not _holds(schema.field(places[0]).type, column):
            kind = str(schema.field(places[0]).type)
            raise _damaged(path, f"column {name!r} has the type {kind[:60]}, not {column.kind.rstrip('_')}")


def checked(table: pa.Table, columns: Mapping[str, Column], path: Path, *, coded: bool = False) -> pa.Table:
    """Return a table, whose schema was checked, with exactly these columns and types.

    With `coded`, texts are numbers of a dictionary: a table of millions of rows has few different ones.

    Raises
    ------
    InputError
        If a value is missing, not finite, outside its range, or not one of the words; it names column and row.
    """
    import pyarrow as pa

    arrays = []
    for name, column in columns.items():
        kind = getattr(pa, column.kind)()
        if coded and column.kind == "string":
            kind = pa.dictionary(pa.int32(), kind)
        if name not in table.column_names:
            arrays.append(pa.nulls(len(table), kind))
            continue
        try:
            values = table[name].cast(kind)
        except pa.ArrowInvalid as error:
            why = str(error).partition("\n")[0][:120]
            raise _damaged(path, f"column {name!r}: {why}") from None
        arrays.append(_checked_column(values, name, column, path))
    return pa.table(dict(zip(columns, arrays, strict=True)))


def _holds(kind: pa.DataType, column: Column) -> bool:
    """Return whether values of an Arrow type can be those of a column."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_null(kind):
        return column.nullable
    if column.kind == "string":
        return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))
    if column.kind == "bool_":
        return bool(types.is_boolean(kind))
    return bool(types.is_integer(kind) or types.is_floating(kind))  # pandas has integers with nulls as floats


def _checked_column(values: pa.ChunkedArray, name: str, column: Column, path: Path) -> pa.ChunkedArray:
    import pyarrow as pa
    from pyarrow import compute

    if values.null_count and not column.nullable:
        raise _damaged(path, f"column {name!r}, row {_first(values.is_null())}: the value is missing")
    if column.words is not None:
        wrong = compute.invert(compute.is_in(values, pa.array(sorted(column.words))))
        if compute.any(wrong).as_py():
            what = repr(values[_first(wrong) - 1].as_py()[:40])
            raise _damaged(
                path, f"column {name!r}, row {_first(wrong)}: {what} is none of {sorted(column.words)}"
            )
    outside = _outside(values, column)
    if outside is None or not compute.any(outside).as_py():
        return values
    if column.reported:
        return compute.if_else(outside, None, values)
    row = _first(outside)
    raise _damaged(path, f"column {name!r}, row {row}: {values[row - 1].as_py()} is {_range(column)}")


def _outside(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray | None:
    """Return where numbers are not finite or outside their range, false for nulls; None where there is no condition."""
    import pyarrow as pa
    from pyarrow import compute

    wrong = []
    if pa.types.is_floating(values.type):
        wrong.append(compute.invert(compute.is_finite(values)))
    if column.least is not None:
        wrong.append(compute.less(values, pa.scalar(column.least, values.type)))
    if column.most is not None:
        wrong.append(compute.greater(values, pa.scalar(column.most, values.type)))
    return compute.fill_null(reduce(compute.or_, wrong), False) if wrong else None


def _range(column: Column) -> str:
    """Return what is wrong with a number outside of the range of a column."""
    if column.least is None or column.most is None:
        return "not finite" if column.least is None else f"less than {column.least} or not finite"
    return f"not in the range {column.least} to {column.most}"


def _first(condition: pa.ChunkedArray) -> int:
    """Return the first row, from 1, where a condition holds."""
    from pyarrow import compute

    return int(compute.index(condition, True).as_py()) + 1


def _damaged(path: Path, what: str) -> InputError:
    return InputError(f"{path.resolve()} is damaged: {what}", DAMAGED)
