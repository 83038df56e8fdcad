"""Read tables with named columns: CSV, TSV with a header, JSON Lines, Parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from evalkit.errors import DataFormatError
from evalkit.formats.file_kinds import HEAD_BYTES, check_text
from evalkit.formats.text_files import (
    LONGEST_LINE,
    File,
    absolute_path,
    format_suffix,
    read_json_lines,
    read_lines,
)

Rows = Iterator[tuple[str, dict[str, Any]]]
"""Rows of a table: the position of each row, for error messages, and its values by column name."""

_MOST_COLUMNS = 10_000
JSON_SUFFIXES = (".jsonl", ".json", ".ndjson")


def read_rows(path: File) -> Rows:
    """Return an iterator over the rows of a table; the suffix of the file determines the format.

    ``.csv`` files may have quoted cells, and ``;`` as separator if the header has no comma. ``.tsv`` files have no
    quoting. Text files may be compressed (``.gz``, ``.zst``).

    Raises
    ------
    DataFormatError
        If the suffix is unknown or, during iteration, if the file does not have the format of its suffix; the message
        names file and line.
    """
    suffix = format_suffix(path)
    if suffix in JSON_SUFFIXES:
        return ((f"{path}:{number}", row) for number, row in read_json_lines(path))
    if suffix in {".csv", ".tsv"}:
        return _read_delimited(path, tabs=suffix == ".tsv")
    if suffix == ".parquet" and isinstance(path, Path):
        return _read_parquet(path)
    check_text(_head(path), path)
    raise DataFormatError(
        f"{path} is not a supported table format",
        "use .csv, .tsv, .jsonl or .parquet, optionally compressed (.gz, .zst)",
    )


def _head(path: File) -> bytes:
    """Return the first bytes of a file; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            return bytes(file.read(HEAD_BYTES))
    except OSError:
        return b""


def _read_delimited(path: File, *, tabs: bool) -> Rows:
    csv.field_size_limit(LONGEST_LINE)
    lines = read_lines(path)
    first = next(lines, "")
    delimiter = "\t" if tabs else ";" if ";" in first and "," not in first else ","
    quoting: Literal[0, 3] = csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL
    header = next(csv.reader([first], delimiter=delimiter, quoting=quoting), [])
    if len(header) > _MOST_COLUMNS:
        raise DataFormatError(f"{path}:1 has {len(header)} columns", f"use at most {_MOST_COLUMNS}")
    if len(set(header)) != len(header):
        raise DataFormatError(
            f"{path}:1 has two columns with the same name", "give every column a different name"
        )
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
    try:
        for cells in reader:
            if not cells:
                continue
            where = f"{path}:{reader.line_num + 1}"
            if len(cells) != len(header):
                raise DataFormatError(
                    f"{where} has {len(cells)} cells, but the header has {len(header)} columns",
                    "fix the row, or put quotes around cells that contain the separator",
                )
            yield where, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise DataFormatError(
            f"{path}:{reader.line_num + 1} is not {format_suffix(path)[1:].upper()}: {error}"
        ) from None


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
