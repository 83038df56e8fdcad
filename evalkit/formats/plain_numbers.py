"""Read the numbers of files: digits of ASCII, as every other tool of the field reads them."""

from __future__ import annotations

import math
from typing import Any

from evalkit.records import plain_grade


def number_of(value: Any) -> float:
    """Return the number that a value of a file is, or that its text denotes.

    Python alone also takes ``1_000``, which other tools refuse or read as 1, and the digits of other scripts.

    Raises
    ------
    ValueError
        If it denotes no number, or one beyond float64.
    TypeError
        If it is neither a number nor text.
    """
    if isinstance(value, str) and not is_plain(value):
        raise ValueError(f"not a number: {value!r}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError("the number is too large") from None


def grade_of(value: Any) -> float | None:
    """Return the grade that a value of a file denotes, a whole number as such; None if it denotes no finite number."""
    try:
        number = number_of(value)
    except (TypeError, ValueError):
        return None
    return plain_grade(number) if math.isfinite(number) else None


def is_plain(text: str) -> bool:
    """Return whether text has ASCII characters only, and no underscore."""
    return text.isascii() and "_" not in text
