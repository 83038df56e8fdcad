"""Read logs of searches: one search in a row, or one query with its count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.errors import DataFormatError, InputError
from evalkit.formats.column_names import column_name
from evalkit.formats.plain_numbers import number_of
from evalkit.formats.row_files import JSON_SUFFIXES, read_rows
from evalkit.formats.text_files import format_suffix, open_lines

QUERY_COLUMNS = ("query", "query_text", "search_term", "search_query", "search", "keyword", "q", "text")
"""Usual names of the column with the queries, the most usual first."""
COUNT_COLUMNS = ("count", "frequency", "freq", "searches", "query_count", "monthly_count", "search_count")
"""Usual names of the column with how often a query was searched for."""
_TABLES = (".csv", ".tsv", ".parquet", ".xlsx", *JSON_SUFFIXES)


@dataclass(frozen=True, slots=True)
class QueryLog:
    """The different texts of a log, as they are written in it.

    Attributes
    ----------
    counts
        Text -> how often it was searched for; none is blank.
    rows
        Number of rows.
    blank
        Rows without a query.
    zero
        Rows with a count of 0.
    query_column, count_column
        The columns that were read; None for a file of lines, and where each row is one search.
    """

    counts: Mapping[str, float]
    rows: int
    blank: int
    zero: int
    query_column: str | None
    count_column: str | None


def read_query_log(path: Path, query: str | None = None, count: str | None = None) -> QueryLog:
    """Read a log: a table (CSV, TSV, JSON Lines, Parquet, Excel), or any other text file with one query per line.

    Memory grows with the number of different texts, not with the number of rows.

    Parameters
    ----------
    path
        The file; text may be compressed.
    query, count
        Names of the columns. By default they have a usual name; without a column of counts each row is one search.

    Raises
    ------
    InputError
        If a column is named for a file of lines.
    DataFormatError
        If the file cannot be read, has no such column, or a count is not a number of at least 0.
    """
    if format_suffix(path) in _TABLES:
        return _read_table(path, query, count)
    if query is not None or count is not None:
        raise InputError(
            f"{path} is read as lines and has no columns", "use a name that ends in .csv or .tsv"
        )
    counts: dict[str, float] = {}
    rows = 0
    for _, line in open_lines(path):
        rows += 1
        text = line.strip()
        counts[text] = counts.get(text, 0) + 1
    return QueryLog(counts, rows, 0, 0, None, None)


def _read_table(path: Path, query: str | None, count: str | None) -> QueryLog:
    counts: dict[str, float] = {}
    rows = blank = zero = 0
    columns: tuple[str, str | None] | None = None
    for where, row in read_rows(path):
        if columns is None:
            columns = _query_column(row, query, where), _count_column(row, count, where)
        text, searches = _text(row, columns[0], where), 1.0
        if columns[1] is not None:
            searches = _searches(row.get(columns[1]), columns[1], where)
        rows += 1
        if not text:
            blank += 1
        elif not searches:
            zero += 1
        else:
            counts[text] = counts.get(text, 0) + searches
    if columns is None:
        raise DataFormatError(f"{path} has no rows", "check that it is the log")
    return QueryLog(counts, rows, blank, zero, *columns)


def _query_column(row: Mapping[str, Any], name: str | None, where: str) -> str:
    found = _column(row, name, QUERY_COLUMNS, where)
    if found is None:
        raise DataFormatError(
            f"{where} has no column with a usual name of queries; the columns are {', '.join(row)}",
            "name the column with --query COLUMN, or use a name that ends in .txt for one query per line",
        )
    return found


def _count_column(row: Mapping[str, Any], name: str | None, where: str) -> str | None:
    return _column(row, name, COUNT_COLUMNS, where)


def _column(row: Mapping[str, Any], name: str | None, usual: tuple[str, ...], where: str) -> str | None:
    """Return the column that is named, else the one with the most usual name; None if there is none."""
    if name is not None:
        if name not in row:
            raise DataFormatError(f"{where} has no column {name!r}", f"use one of: {', '.join(row)}")
        return name
    by_name = {column_name(column): column for column in reversed(list(row))}
    return next((by_name[one] for one in map(column_name, usual) if one in by_name), None)


def _text(row: Mapping[str, Any], column: str, where: str) -> str:
    value = row.get(column)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataFormatError(
            f"{where} has the query {value!r}, which is no text", "name another column with --query"
        )
    return value.strip()


def _searches(value: Any, column: str, where: str) -> float:
    try:
        number = number_of(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number < float("inf"):
        raise DataFormatError(f"{where} has {column} {value!r}", "a count is a number of at least 0")
    return number
