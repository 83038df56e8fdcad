"""Write tables as CSV without cells that a spreadsheet would run as formulas."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping
from numbers import Number
from types import SimpleNamespace
from typing import Any

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?%?")
_END = "\r\n"
_STARTS = frozenset("=+-@")
"""Characters that begin a formula, in any width."""


def csv_text(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a table as CSV with a header.

    A number is a number. Text that a spreadsheet would take for a formula gets a leading ``'``, which spreadsheets hide
    or show as text; so does a heading. Source: OWASP, CSV Injection.

    Parameters
    ----------
    columns
        Keys of the rows, in the order of the columns.
    rows
        Values by column; a missing one, or None, is an empty cell.
    """
    names = list(columns)
    lines: list[str] = []
    # A cell is quoted if it contains a character of the line's end: a bare \r would begin a row in a spreadsheet.
    writer = csv.writer(SimpleNamespace(write=lines.append), lineterminator=_END)
    writer.writerow([_cell(name) for name in names])
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return "".join(f"{line.removesuffix(_END)}\n" for line in lines)


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, Number):
        return value
    text = str(value)
    return f"'{text}" if could_run(text) else text


def could_run(text: str) -> bool:
    """Return whether a spreadsheet could take a text for a formula, also behind blanks and invisible characters."""
    if _NUMBER.fullmatch(text):
        return False
    if text[:1] in {"\t", "\r", "\n"}:
        return True
    seen = next((char for char in text if unicodedata.category(char)[0] not in "CZ"), "")
    return unicodedata.normalize("NFKC", seen) in _STARTS
