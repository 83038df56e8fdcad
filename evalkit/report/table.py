"""A table of text cells, rendered for a terminal or as Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

_MARKED = re.compile(r"[\\`*|<~]|\](?=[(\[:])|(?<!\w)_|_(?!\w)|(?<=&)#|&(?=\w+;)")
"""Characters that are markup in Markdown; intervals in brackets and names_like_this are not."""

WIDTH = 100
"""Columns of text in which nothing wraps, where the width of the terminal is not known."""
_GAP = 2
_SHORT = 12
"""Headings of at most this length do not wrap."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text.

    Attributes
    ----------
    title
        Heading.
    columns
        Column headings; the first `left` columns are text, the others numbers.
    rows
        Cells.
    note
        How to read it; may be empty.
    keys
        Number of leading columns that identify a row: they are repeated where a table is shown in parts.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    left: int = 1
    keys: int = 1


def markdown_text(text: str) -> str:
    """Return text on one line, with Markdown's markup characters escaped."""
    return _MARKED.sub(r"\\\g<0>", " ".join(text.split()))


def as_markdown(table: Table) -> str:
    """Return a table in Markdown, without its title and note."""
    rule = ["---"] * table.left + ["---:"] * (len(table.columns) - table.left)
    rows = [[markdown_text(cell) for cell in row] for row in (table.columns, *table.rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (rows[0], rule, *rows[1:]))


def as_text(table: Table, width: int = WIDTH, *, heading: bool = True) -> str:
    """Return a table as aligned text of at most `width` columns where its cells allow it.

    Headings wrap to the width of their cells. Columns that do not fit follow as a second part, after the key columns.
    """
    parts = [_aligned(table, places) for places in _parts(table, width)]
    lines = [line for part in parts for line in (*part, "")][:-1]
    if table.note:
        lines += textwrap.wrap(table.note, width)
    return "\n".join([*((table.title, "") if heading else ()), *lines, ""])


def _parts(table: Table, width: int) -> list[list[int]]:
    """Return the columns of each part of a table that is `width` wide; the key columns are in each."""
    widths, keys = _widths(table), list(range(table.keys))
    parts, used = [[*keys]], widths[: table.keys]
    for place in range(table.keys, len(widths)):
        if len(parts[-1]) > table.keys and sum(used) + widths[place] + _GAP * len(used) > width:
            parts.append([*keys])
            used = widths[: table.keys]
        parts[-1].append(place)
        used = [*used, widths[place]]
    return parts


def _widths(table: Table) -> list[int]:
    """Return the width of each column: of its longest cell, or of the longest word of its heading."""
    cells = [max((len(row[place]) for row in table.rows), default=0) for place in range(len(table.columns))]
    words = [max(map(len, name.split()), default=0) for name in table.columns]
    return [
        max(cell, word, min(len(name), _SHORT))
        for cell, word, name in zip(cells, words, table.columns, strict=True)
    ]


def _aligned(table: Table, places: Sequence[int]) -> list[str]:
    """Return the headings, a rule and the rows of some columns."""
    every = _widths(table)
    widths = [every[place] for place in places]
    names = [textwrap.wrap(table.columns[place], width) for place, width in zip(places, widths, strict=True)]
    height = max(map(len, names))
    headings = [
        [name[row - height + len(name)] if row >= height - len(name) else "" for name in names]
        for row in range(height)
    ]
    rule = ["-" * width for width in widths]
    rows = [[row[place] for place in places] for row in table.rows]
    return [
        "  ".join(
            cell.ljust(width) if place < table.left else cell.rjust(width)
            for place, cell, width in zip(places, line, widths, strict=True)
        ).rstrip()
        for line in (*headings, rule, *rows)
    ]
