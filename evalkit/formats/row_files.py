"""Read tables with named columns: CSV, TSV with a header, JSON, Parquet, Excel workbooks."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from evalkit.errors import DataFormatError
from evalkit.formats.file_kinds import HEAD_BYTES, check_text, is_workbook
from evalkit.formats.json_tables import read_json_rows
from evalkit.formats.plain_numbers import number_of
from evalkit.formats.text_files import (
    LONGEST_LINE,
    File,
    absolute_path,
    format_suffix,
    read_lines,
)
from evalkit.formats.workbooks import read_workbook

Rows = Iterator[tuple[str, dict[str, Any]]]
"""Rows of a table: the position of each row, for error messages, and its values by column name."""

_MOST_COLUMNS = 10_000
_MOST_WORDS = 5
"""Words of the name of a column."""
JSON_SUFFIXES = (".jsonl", ".json", ".ndjson")
WITHOUT_HEADER = "write the names of the columns above it, or use source: trec_files for TSV without names"
"""What to do with a table whose first line is data."""


def read_rows(path: File, sheet: str | None = None) -> Rows:
    """Return an iterator over the rows of a table; the suffix of the file determines the format.

    ``.csv`` files may have quoted cells, and ``;``, a tab or ``|`` as separator if the header has no
    comma between cells; a first line ``sep=;`` states it. ``.tsv`` files have no
    quoting. Text files may be compressed (``.gz``, ``.zst``). A JSON file has one object per line, or is one list of
    objects.

    Parameters
    ----------
    path
        The file.
    sheet
        Name of the sheet of an Excel workbook; None for the first one.

    Raises
    ------
    DataFormatError
        If the suffix is unknown, a sheet of another file is named or, during iteration, if the file does not have the
        format of its suffix; the message names file and line.
    """
    suffix = format_suffix(path)
    head = _head(path) if suffix == ".xlsx" else b""
    if (
        suffix == ".xlsx"
        and path.suffix.lower() == suffix
        and isinstance(path, Path)
        and is_workbook(head, path)
    ):
        return read_workbook(path, sheet)
    if sheet is not None:
        raise DataFormatError(f"{path} has no sheets", "remove 'sheet', or use an Excel workbook (.xlsx)")
    if suffix in JSON_SUFFIXES:
        return read_json_rows(path)
    if suffix in {".csv", ".tsv"}:
        return read_delimited(path, tabs=suffix == ".tsv")
    if suffix == ".parquet" and isinstance(path, Path):
        return _read_parquet(path)
    check_text(_head(path), path)
    if suffix == ".xlsx":
        raise DataFormatError(
            f"{path} is not an Excel workbook, although its name ends in .xlsx",
            "open it and save it as .xlsx, or rename it to .csv if it is CSV",
        )
    raise DataFormatError(
        f"{path} is not a supported table format",
        "use .csv, .tsv, .jsonl, .parquet or .xlsx; text may be compressed (.gz, .zst)",
    )


def _head(path: File) -> bytes:
    """Return the first bytes of a file; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            return bytes(file.read(HEAD_BYTES))
    except OSError:
        return b""


def read_delimited(path: File, *, tabs: bool, pad: bool = False) -> Rows:
    """Yield the rows of a CSV file, or of a TSV file (`tabs`); see `read_rows`. Short rows are an error, or filled."""
    csv.field_size_limit(LONGEST_LINE)
    lines = read_lines(path)
    first, start = next(lines, ""), 1
    stated = None if tabs else stated_delimiter(first)
    if stated:
        first, start = next(lines, ""), 2
    delimiter = stated or ("\t" if tabs else delimiter_of(first))
    quoting: Literal[0, 3] = csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL
    header = _header(first, f"{path}:{start}", delimiter, quoting)
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
    try:
        for found in reader:
            if not any(found):
                continue
            where = f"{path}:{reader.line_num + start}"
            cells = [*found, *[""] * (len(header) - len(found))] if pad else found
            if len(cells) != len(header):
                raise DataFormatError(
                    f"{where} has {len(cells)} cells, but the header has {len(header)} columns",
                    _hint_of_cells(header, len(cells), first_row=reader.line_num == 1),
                )
            yield where, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise DataFormatError(
            f"{path}:{reader.line_num + start} is not {format_suffix(path)[1:].upper()}: {error}"
        ) from None


def _header(line: str, where: str, delimiter: str, quoting: Literal[0, 3]) -> list[str]:
    """Return the names of the columns.

    Raises
    ------
    DataFormatError
        If a name occurs twice, the line looks like data, or it cannot be read.
    """
    if "\r" in line.rstrip("\r\n"):
        raise DataFormatError(
            f"{where} contains a carriage return that does not end a line",
            "save the file with the line ends LF or CRLF",
        )
    try:
        header = next(csv.reader([line], delimiter=delimiter, quoting=quoting), [])
    except csv.Error as error:
        kind = "TSV" if quoting == csv.QUOTE_NONE else "CSV"
        raise DataFormatError(f"{where} is not {kind}: {error}") from None
    if len(header) > _MOST_COLUMNS:
        raise DataFormatError(f"{where} has {len(header)} columns", f"use at most {_MOST_COLUMNS}")
    if len(set(header)) != len(header):
        if looks_like_data(header):
            raise DataFormatError(f"{where} looks like data, not like the names of columns", WITHOUT_HEADER)
        raise DataFormatError(
            f"{where} has two columns with the same name", "give every column a different name"
        )
    return header


def stated_delimiter(line: str) -> str | None:
    """Return the separator that the first line of a CSV file states for Excel: ``sep=;``; None if it states none."""
    found = re.fullmatch(r"\ufeff?\"?sep=(.)\"?\s*", line, re.IGNORECASE)
    return found[1] if found else None


def delimiter_of(header: str) -> str:
    """Return the separator of a CSV file: a comma, or the first other one in a header without commas between cells."""
    unquoted = re.sub(r'"[^"]*"', "", header)
    return "," if "," in unquoted else next((char for char in ";\t|" if char in unquoted), ",")


def _hint_of_cells(header: Sequence[str], cells: int, *, first_row: bool) -> str:
    """Return what to do about a row whose number of cells is not that of the header."""
    if first_row and len(header) == 1 < cells:
        return "remove the lines above the names of the columns"
    if looks_like_data(header):
        return WITHOUT_HEADER
    return "fix the row, or put quotes around cells that contain the separator"


def looks_like_data(header: Iterable[str]) -> bool:
    """Return whether the first line of a table has numbers or sentences, as data has, instead of names."""
    return any(is_number(name) or len(name.split()) > _MOST_WORDS for name in header)


def is_number(text: str) -> bool:
    """Return whether a text denotes a number."""
    try:
        number_of(text)
    except ValueError:
        return False
    return True


def _read_parquet(path: Path) -> Rows:
    from pyarrow import ArrowException, parquet

    head = _head(path)
    if not head.startswith(b"PAR1"):
        check_text(head, path)
    try:
        with parquet.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=1000):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", row
    except FileNotFoundError:
        raise DataFormatError(f"file not found: {absolute_path(path)}", "check the path") from None
    except (
        OSError,
        ArrowException,
        ValueError,
        OverflowError,
    ) as error:  # ValueError: of text that is not UTF-8
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataFormatError(f"cannot read {absolute_path(path)}: {reason}") from None
