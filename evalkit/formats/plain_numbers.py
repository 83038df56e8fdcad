"""Read the numbers of files: digits of ASCII, as every other tool of the field reads them."""

from __future__ import annotations

from typing import Any


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


def is_plain(text: str) -> bool:
    """Return whether text has ASCII characters only, and no underscore."""
    return text.isascii() and "_" not in text
