"""Split many lines at once, where none of them can be anything but a row."""

from __future__ import annotations

from collections.abc import Sequence

_UNUSUAL = "\v\f\x1c\x1d\x1e\x1f"
"""White space of ASCII, or of Python alone, that separates columns for some tools only."""
_END = "\0"
"""Marks the end of a line between columns."""


def ordinary_columns(lines: Sequence[str], width: int) -> list[list[str]] | None:
    """Return the columns of lines, each ``(n,)``; None if one of the lines needs care.

    Ordinary lines are of ASCII and end with a line feed, have `width` columns between single tabs, or between white
    space without tabs, and do not begin with ``#``.

    Parameters
    ----------
    lines
        The lines with their line endings.
    width
        Number of columns.
    """
    text = "".join(lines)
    if not (lines and text.isascii() and text.endswith("\n")) or any(map(text.__contains__, _UNUSUAL)):
        return None
    if "\r" in text and text.count("\r") != text.count("\r\n"):
        return None
    if "\t" in text and (" " in text or text.count("\t") != (width - 1) * len(lines)):
        return None
    # One flat list: a list for each line would start the garbage collection again and again.
    cells = text.replace("\n", f" {_END} ").split()
    if _END in text or len(cells) != (width + 1) * len(lines) or set(cells[width :: width + 1]) != {_END}:
        return None
    columns = [cells[column :: width + 1] for column in range(width)]
    if "#" in text and any(first.startswith("#") for first in columns[0]):
        return None
    return columns
