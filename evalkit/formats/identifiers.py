"""Check identifiers of files, and make identifiers of texts."""

from __future__ import annotations

import hashlib
import re
from datetime import date, time
from typing import Any

from evalkit.errors import DataFormatError

_SPREADSHEET_DIGITS = 1e15
"""A spreadsheet keeps 15 digits of a number; float64 keeps a few more."""
_SHORTENED = re.compile(r"[0-9](?:[.,][0-9]+)?E\+[0-9]{2,3}")
"""How a spreadsheet shows, and exports, a number with too many digits for its cell."""
_AS_TEXT = "format the column as text in the spreadsheet, and enter the identifiers again"


def check_id(value: Any, where: str) -> str:
    """Return an identifier as text without white space, as TREC files require; a whole number becomes text.

    Raises
    ------
    DataFormatError
        If the value is neither a whole number nor such a text, or a spreadsheet has changed it: to a date, or to a
        number of which it does not keep every digit.
    """
    if isinstance(value, date | time):
        raise DataFormatError(f"{where}: the identifier is a date or a time, {value}", _AS_TEXT)
    if isinstance(value, float) and value.is_integer():
        if abs(value) >= _SPREADSHEET_DIGITS:
            raise DataFormatError(
                f"{where}: the identifier is the number {value!r}, which may have lost its last digits",
                _AS_TEXT,
            )
        value = int(value)  # pandas converts whole numbers to floats in a column with missing values
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or value == "":
        raise DataFormatError(f"{where}: the identifier is missing", "give every row its identifiers")
    if not isinstance(value, str) or value != "".join(value.split()):
        raise DataFormatError(f"{where}: invalid identifier {value!r}", "use identifiers without white space")
    if _SHORTENED.fullmatch(value):
        raise DataFormatError(
            f"{where}: the identifier {value!r} is a number that a spreadsheet has shortened", _AS_TEXT
        )
    return value


def text_id(prefix: str, text: str) -> str:
    """Return an id computed from a text; the prefix keeps ids of queries and documents apart."""
    return prefix + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def is_from_text(query_id: str) -> bool:
    """Return whether the id of a query looks like one that was computed from its text."""
    return re.fullmatch("q[0-9a-f]{16}", query_id) is not None


def query_id_of(text: str) -> str:
    """Return the id of a query that a file names by its text.

    A text without white space, such as a query of one word, is its own id, so that it is found in runs. The others
    have an id that is computed from the text: ids of runs and judgments cannot contain white space.
    """
    return text if text and text == "".join(text.split()) else text_id("q", text)
