"""Write the tables of a report as CSV, JSON and Parquet: numbers in full precision, an interval as three columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evalkit.file_names import file_part, slug
from evalkit.files import make_folder, write_file
from evalkit.formats.csv_text import csv_text
from evalkit.report.numbers import NO_VALUE, Figure
from evalkit.report.table import Table
from evalkit.results.json_shapes import to_json
from evalkit.results.parquet import write_table

_NUMBER = re.compile(r"[+-]?\$?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
_BOUNDS = ("", " lower", " upper")


def file_names(tables: Iterable[Table]) -> dict[Table, str]:
    """Return table -> the name of its files without ending; names are unique regardless of case."""
    names: dict[Table, str] = {}
    for table in tables:
        base = _base(table)
        taken = {name.casefold() for name in names.values()}
        tries = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
        names[table] = next(name for name in tries if name.casefold() not in taken)
    return names


def _base(table: Table) -> str:
    """Return the title as a name of files, in which the dataset and the system have the names of their own files."""
    if not table.dataset:
        return slug(table.title)
    rest = table.title.removeprefix(table.dataset)
    if table.system:
        own = f"\\g<1>{file_part(table.system, dots=True)}"
        rest = re.sub(rf"( ){re.escape(table.system)}(?=[ :])", own, rest, count=1)
    return f"{file_part(table.dataset)}-{slug(rest)}"


def write_tables(into: Path, names: Mapping[Table, str]) -> None:
    """Write every table as CSV, JSON and Parquet into a folder."""
    make_folder(into)
    for table, name in names.items():
        rows = table_rows(table)
        columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else table.columns)}
        write_file(into / f"{name}.csv", csv_text(columns, rows), inside=into)
        write_file(into / f"{name}.json", to_json(rows), inside=into)
        kinds = {column: _kind(values) for column, values in columns.items()}
        arrow = {
            column: _as_text(values) if kinds[column] == "string" else values
            for column, values in columns.items()
        }
        write_table(into / f"{name}.parquet", kinds, arrow, inside=into)


def _kind(values: list[Any]) -> str:
    """Return the Arrow type of a column: a number type if all its values are numbers, else ``string``."""
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {int, float}:
        return "int64" if kinds == {int} else "float64"
    return "string"


def _as_text(values: list[Any]) -> list[str | None]:
    return [None if value is None else str(value).encode("utf-8", "replace").decode() for value in values]


def table_rows(table: Table) -> list[dict[str, Any]]:
    """Return rows as column -> value; a column with intervals becomes three columns."""
    columns = [
        _spread(name or "kind", [row[place] for row in table.rows], text=place < table.left)
        for place, name in enumerate(table.columns)
    ]
    return [
        {name: values[number] for column in columns for name, values in column.items()}
        for number in range(len(table.rows))
    ]


def _spread(name: str, cells: list[str], *, text: bool) -> dict[str, list[Any]]:
    """Return name -> values: one column of text or numbers, or three columns of intervals."""
    if text:
        return {name: [None if cell == NO_VALUE else cell for cell in cells]}
    if not any(isinstance(cell, Figure) and cell.bounds for cell in cells):
        return {name: [_value(cell) for cell in cells]}
    columns = zip(*map(_bounded, cells), strict=True)
    return {f"{name}{bound}": list(values) for bound, values in zip(_BOUNDS, columns, strict=True)}


def _bounded(cell: str) -> tuple[Any, float | None, float | None]:
    """Return value, lower and upper bound of a cell; bounds are None for a cell without them."""
    return (cell.value, cell.low, cell.high) if isinstance(cell, Figure) else (_value(cell), None, None)


def _value(cell: str) -> int | float | str | None:
    """Return the exact number of a cell, or its text if it has none; None if it has no value."""
    if isinstance(cell, Figure):
        return cell.value
    if cell == NO_VALUE:
        return None
    if not _NUMBER.fullmatch(cell):
        return cell
    plain = re.sub(r"[$,]", "", cell)
    return float(plain) if re.search(r"[.e]", plain) else int(plain)
