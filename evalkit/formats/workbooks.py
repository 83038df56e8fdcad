"""Read a sheet of an Excel workbook (.xlsx) as a table, one row after the other."""

from __future__ import annotations

import math
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from evalkit.errors import DataFormatError, MissingExtraError
from evalkit.formats.text_files import absolute_path

MOST_ROWS = 1_048_576
"""Rows of a sheet, as Excel limits them."""
_MOST_CELLS = 100_000_000
"""Cells that are read, the empty ones between others included."""
_MOST_SHEET_BYTES = 2**30
_MOST_HELD_BYTES = 2**28
"""Bytes of the parts that are held in memory, such as the texts that the cells share."""
_MOST_KEPT = 10**15
"""A spreadsheet keeps 15 digits of a number."""
_CHUNK = 2**20
_LONGEST_TAG = 200
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=[\"']([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_ZEROS = re.compile(r"0{2,40}")
"""A number format that shows leading zeros."""


def read_workbook(path: Path, sheet: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the position and the values by column of each row of a sheet that is not empty.

    The first row that is not empty is the header. Numbers are text, as in a CSV file, with leading zeros where the
    format of the cell shows them; dates are dates. Of formulas the stored values are read.

    Parameters
    ----------
    path
        The workbook.
    sheet
        Name of the sheet; None for the first one that is not hidden.

    Raises
    ------
    DataFormatError
        If the file is no workbook or too large, or the sheet is missing, has merged cells, cells under no heading, a
        formula without a stored value or an error as a value; the message names sheet and row.
    MissingExtraError
        If openpyxl is not installed.
    """
    try:
        import openpyxl
    except ModuleNotFoundError:
        raise MissingExtraError(f"reading {path}", "xlsx") from None
    try:
        with path.open("rb") as file:
            _check_size(file, path)
            with closing(openpyxl.load_workbook(file, read_only=True)) as formulas:
                name = _sheet_name(formulas, sheet, path)
                _check_not_merged(formulas, name, path)
                yield from _rows(formulas, name, path)
    except FileNotFoundError:
        raise DataFormatError(f"file not found: {absolute_path(path)}", "check the path") from None
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError, ParseError,
            ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:  # fmt: skip
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataFormatError(
            f"{path} is an Excel workbook that cannot be read: {reason}",
            "save it again as .xlsx, or export the sheet as CSV",
        ) from None


def _check_size(file: Any, path: Path) -> None:
    """Check the sizes of the unpacked parts; zipfile never unpacks more than they state."""
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
    sheets = [part.file_size for part in parts if part.filename.startswith("xl/worksheets/")]
    held = sum(part.file_size for part in parts) - sum(sheets)
    if max(sheets, default=0) > _MOST_SHEET_BYTES or held > _MOST_HELD_BYTES:
        raise DataFormatError(
            f"{path} is too large when unpacked: sheets of at most {_MOST_SHEET_BYTES // 2**20} MiB and"
            f" {_MOST_HELD_BYTES // 2**20} MiB of shared texts are read",
            "export the sheet as CSV (UTF-8)",
        )


def _sheet_name(workbook: Any, sheet: str | None, path: Path) -> str:
    names = [one.title for one in workbook.worksheets]
    if not names:
        raise DataFormatError(f"{path} contains no sheet of cells", "choose another file")
    if sheet is None:
        visible = (one.title for one in workbook.worksheets if one.sheet_state == "visible")
        return str(next(visible, names[0]))
    if sheet not in names:
        raise DataFormatError(f"{path} has no sheet {sheet!r}", f"use one of: {', '.join(names)}")
    return sheet


def _check_not_merged(workbook: Any, name: str, path: Path) -> None:
    """Check that no cells are merged: all but the first of them are empty in the file."""
    rest = b""
    with workbook[name]._get_source() as source:  # noqa: SLF001 - read-only mode skips merged cells
        while chunk := source.read(_CHUNK):
            found = _MERGED.search(rest + chunk)
            if found:
                raise DataFormatError(
                    f"{path}, sheet {name!r}: the cells {found[1].decode()} are merged",
                    "unmerge them, and give every row its own values",
                )
            rest = chunk[-_LONGEST_TAG:]


def _rows(formulas: Any, name: str, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    header: dict[int, str] = {}
    count, found = 0, False
    with closing(_StoredValues(path, name)) as stored, closing(_lazy_rows(formulas[name])) as rows:
        for number, cells in enumerate(rows, start=1):
            count += len(cells)
            if number > MOST_ROWS or count > _MOST_CELLS:
                raise DataFormatError(
                    f"{path}, sheet {name!r}, row {number}: the sheet is too large",
                    "export the sheet as CSV (UTF-8)",
                )
            if not cells:
                continue
            where = f"{path}, sheet {name!r}, row {number}"
            values = {
                place: _value(cell, where, stored)
                for place, cell in enumerate(cells)
                if cell.value is not None
            }
            values = {place: value for place, value in values.items() if not _is_blank(value)}
            if not values:
                continue
            if not header:
                header = _header(values, where)
                continue
            unnamed = sorted(values.keys() - header.keys())
            if unnamed:
                raise DataFormatError(
                    f"{where}: the cell in column {_letters(unnamed[0])} has no heading",
                    "name every column in the first row of the sheet, and remove rows above the names",
                )
            found = True
            yield where, {column: values.get(place) for place, column in header.items()}
    if not found:
        raise DataFormatError(
            f"{path}, sheet {name!r} {'has no rows below its header' if header else 'is empty'}",
            f"move the sheet with the table to the first place, or name it with sheet: in the dataset's block (sheets:"
            f" {', '.join(formulas.sheetnames)})",
        )


def _lazy_rows(sheet: Any) -> Any:
    sheet.reset_dimensions()  # the stated size may be wrong: then rows would be cut off
    return sheet.iter_rows()


def _header(values: dict[int, Any], where: str) -> dict[int, str]:
    header = {place: str(value).strip() for place, value in values.items()}
    if len(set(header.values())) != len(header):
        raise DataFormatError(
            f"{where} has two columns with the same name", "give every column a different name"
        )
    return header


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


class _StoredValues:
    """The values that a workbook stores for its formulas; opened at the first formula, and read forwards."""

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name
        self._opened = ExitStack()
        self._rows: Iterator[Any] | None = None
        self._number = 0
        self._row: Any = ()

    def of(self, cell: Any) -> Any:
        """Return the cell with the stored value of a cell with a formula."""
        import openpyxl

        if self._rows is None:
            file = self._opened.enter_context(self._path.open("rb"))
            workbook = openpyxl.load_workbook(file, read_only=True, data_only=True)
            self._rows = self._opened.enter_context(closing(_lazy_rows(workbook[self._name])))
        if cell.row > self._number:
            self._row = next(islice(self._rows, cell.row - self._number - 1, None))
            self._number = cell.row
        return self._row[cell.column - 1]

    def close(self) -> None:
        """Close the workbook."""
        self._opened.close()


def _value(cell: Any, where: str, stored: _StoredValues) -> Any:
    """Return the value of a cell.

    Raises
    ------
    DataFormatError
        If it is an error, or a formula without a stored value.
    """
    if cell.data_type == "f":
        formula, cell = cell, stored.of(cell)
        if cell.value is None and cell.data_type != "str":  # an empty text is stored as no value of this type
            raise DataFormatError(
                f"{where}: the formula in column {_letters(formula.column - 1)} has no stored value",
                "open the workbook in a spreadsheet, and save it",
            )
    if cell.data_type == "e":
        raise DataFormatError(
            f"{where}: the cell in column {_letters(cell.column - 1)} has the error {cell.value}",
            "fix the cell",
        )
    return _as_shown(cell.value, cell)


def _as_shown(value: Any, cell: Any) -> Any:
    """Return a value as the text of a CSV file; dates, and numbers of which digits may be lost, stay what they are."""
    if isinstance(value, str):
        return _ESCAPED.sub(_character, value) if "_x" in value else value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and (not value.is_integer() or not math.isfinite(value)):
        return repr(value)
    if isinstance(value, int | float):
        shown = cell.number_format or ""
        if abs(value) >= _MOST_KEPT:
            return float(value)
        return str(int(value)).zfill(len(shown)) if _ZEROS.fullmatch(shown) else str(int(value))
    return value


def _character(found: re.Match[str]) -> str:
    """Return the character of an escape; source: ECMA-376, part 1, 22.9.2.19 ST_Xstring."""
    code = int(found[1], 16)
    return found[0] if 0xD800 <= code <= 0xDFFF else chr(code)


def _letters(place: int) -> str:
    """Return the name of a column, such as ``AB``."""
    letters = ""
    number = place + 1
    while number:
        number, left = divmod(number - 1, 26)
        letters = chr(ord("A") + left) + letters
    return letters
