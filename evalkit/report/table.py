"""A table of text cells, rendered for a terminal or as Markdown."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from evalkit.errors import printable
from evalkit.report.numbers import NO_VALUE

_MARKED = re.compile(r"[\\`*|<~]|\](?=[(\[:])|(?<!\w)_|_(?!\w)|(?<=&)#|&(?=\w+;)")
"""Characters that are markup in Markdown; intervals in brackets and names_like_this are not."""

_LINKED = re.compile(r"\](?=[(\[:])")
"""The end of the text of a link or of a picture."""

WIDTH = 100
"""Columns of text in which nothing wraps, where the width of the terminal is not known."""
_GAP = 2
_LONG = 24
"""Text of at most this length does not wrap in a cell."""
_NARROW = 16
"""Least width of a column of long text; narrower ones would follow as another part."""
_HIGH = 2
"""Lines of a row above which it is set apart from the next one, if most rows are."""
_SHORT = 12
"""Headings of at most this length do not wrap if the table fits."""


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
    dataset, system
        The dataset that the title begins with, and a system in it; empty for a table of all of them.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    left: int = 1
    keys: int = 1
    dataset: str = ""
    system: str = ""

    def cut(self, rows: int) -> Table:
        """Return the table with its first rows; the note counts the others, which files hold."""
        left = len(self.rows) - rows
        if left <= 0:
            return self
        more = f"{left} more rows are in the report and its files."
        return replace(self, rows=self.rows[:rows], note=f"{self.note} {more}".lstrip())

    def without_empty_columns(self) -> Table:
        """Return the table without columns that have no value, but for the key columns."""
        shown = [
            place
            for place in range(len(self.columns))
            if place < self.keys or any(row[place] != NO_VALUE for row in self.rows)
        ]
        return replace(
            self,
            columns=tuple(self.columns[place] for place in shown),
            rows=tuple(tuple(row[place] for place in shown) for row in self.rows),
            left=sum(place < self.left for place in shown),
        )


def markdown_text(text: str) -> str:
    """Return text on one line, with Markdown's markup characters and what is not printable escaped."""
    return _MARKED.sub(r"\\\g<0>", printable(" ".join(text.split())))


def markdown_prose(text: str) -> str:
    """Return a text of our own that may hold a name: on one line, without markup of HTML, links and pictures."""
    line = printable(re.sub(r"\s*\n\s*", " ", text))
    return _LINKED.sub(r"\\\g<0>", line.replace("<", "&lt;"))


def markdown_code(text: str) -> str:
    """Return text as code; the fence is longer than any in the text."""
    line = printable(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence} {line} {fence}" if len(fence) > 1 else f"`{line}`"


def as_markdown(table: Table) -> str:
    """Return a table in Markdown, without its title and note."""
    rule = ["---"] * table.left + ["---:"] * (len(table.columns) - table.left)
    rows = [[markdown_text(cell) for cell in row] for row in (table.columns, *table.rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (rows[0], rule, *rows[1:]))


def as_text(table: Table, width: int = WIDTH, *, heading: bool = True) -> str:
    """Return a table as aligned text of at most `width` columns where its cells allow it.

    Headings wrap to the width of their cells, and long text wraps within its column. Columns that do not fit even so
    follow as a second part, after the key columns.
    """
    table = _printable(table)
    widths = _fitted(table, width)
    parts = [_aligned(table, places, widths) for places in _parts(table, widths, width)]
    lines = [line for part in parts for line in (*part, "")][:-1]
    if table.note:
        lines += textwrap.wrap(table.note, width)
    return "\n".join([*((table.title, "") if heading else ()), *lines, ""])


def _printable(table: Table) -> Table:
    """Return the table with what is not printable in its texts escaped: it takes no part in the layout."""
    rows = tuple(tuple(map(printable, row)) for row in table.rows)
    columns = tuple(map(printable, table.columns))
    return replace(
        table, title=printable(table.title), columns=columns, rows=rows, note=printable(table.note)
    )


def _widths(table: Table, short: int) -> list[int]:
    """Return the width of each column: of its longest cell, the longest word of its heading, or a short heading."""
    cells = [
        max((columns_of(row[place]) for row in table.rows), default=0) for place in range(len(table.columns))
    ]
    words = [max(map(len, name.split()), default=0) for name in table.columns]
    return [
        max(cell, word, len(name) if len(name) <= short else 0)
        for cell, word, name in zip(cells, words, table.columns, strict=True)
    ]


def _fitted(table: Table, width: int) -> list[int]:
    """Return the widths of the columns: those of long text share what the other columns leave.

    Short headings wrap, too, where the table would not fit otherwise.
    """
    widths = _widths(table, _SHORT)
    if sum(widths) + _GAP * (len(widths) - 1) > width:
        widths = _widths(table, 0)
    long = [place for place in range(table.left) if widths[place] > _LONG]
    left = (
        width - _GAP * (len(widths) - 1) - sum(size for place, size in enumerate(widths) if place not in long)
    )
    if sum(widths[place] for place in long) <= left or left < _NARROW * len(long):
        return widths
    for number, place in enumerate(sorted(long, key=widths.__getitem__)):
        widths[place] = min(widths[place], left // (len(long) - number))
        left -= widths[place]
    return widths


def _parts(table: Table, widths: Sequence[int], width: int) -> list[list[int]]:
    """Return the columns of each part of a table that is `width` wide; the key columns are in each."""
    keys = list(range(table.keys))
    parts, used = [[*keys]], sum(widths[: table.keys]) + _GAP * (table.keys - 1)
    for place in range(table.keys, len(widths)):
        if len(parts[-1]) > table.keys and used + _GAP + widths[place] > width:
            parts.append([*keys])
            used = sum(widths[: table.keys]) + _GAP * (table.keys - 1)
        parts[-1].append(place)
        used += _GAP + widths[place]
    return parts


def _aligned(table: Table, places: Sequence[int], every: Sequence[int]) -> list[str]:
    """Return the headings, a rule and the rows of some columns."""
    widths = [every[place] for place in places]
    names = [_wrapped(table.columns[place], every[place]) for place in places]
    height = max(map(len, names))
    lines = [*zip(*([""] * (height - len(name)) + name for name in names), strict=True)]
    lines.append(tuple("-" * width for width in widths))
    rows = [
        [*zip_longest(*(_wrapped(row[place], every[place]) for place in places), fillvalue="")]
        for row in table.rows
    ]
    # An empty line between rows, where most are so high that they would run into each other.
    high = sum(len(row) > _HIGH for row in rows)
    apart = [("",) * len(places)] if 2 * high > len(rows) else []
    lines += [line for number, row in enumerate(rows) for line in (*(apart if number else []), *row)]
    return [
        (" " * _GAP)
        .join(
            _padded(cell, width, left=place < table.left)
            for place, cell, width in zip(places, line, widths, strict=True)
        )
        .rstrip()
        for line in lines
    ]


def _wrapped(text: str, width: int) -> list[str]:
    """Return text as lines of at most `width` characters; a longer word is broken."""
    return [text] if columns_of(text) <= width else textwrap.wrap(text, width, break_on_hyphens=False)


def _padded(text: str, width: int, *, left: bool) -> str:
    """Return text with spaces after it, or before it."""
    spaces = " " * (width - columns_of(text))
    return f"{text}{spaces}" if left else f"{spaces}{text}"


def columns_of(text: str) -> int:
    """Return the columns that a terminal needs for text: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )
