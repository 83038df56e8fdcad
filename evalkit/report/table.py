"""A table of text cells, rendered for a terminal or as Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MARKED = re.compile(r"[\\`*|<~]|\](?=[(\[:])|(?<!\w)_|_(?!\w)|(?<=&)#|&(?=\w+;)")
"""Characters that are markup in Markdown; intervals in brackets and names_like_this are not."""


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
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    left: int = 1


def markdown_text(text: str) -> str:
    """Return text on one line, with Markdown's markup characters escaped."""
    return _MARKED.sub(r"\\\g<0>", " ".join(text.split()))


def as_markdown(table: Table) -> str:
    """Return a table in Markdown, without its title and note."""
    rule = ["---"] * table.left + ["---:"] * (len(table.columns) - table.left)
    rows = [[markdown_text(cell) for cell in row] for row in (table.columns, *table.rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (rows[0], rule, *rows[1:]))


def as_text(table: Table) -> str:
    """Return a table as aligned text, with its title above and its note below."""
    lines = [table.columns, *table.rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.columns))]
    rendered = [
        "  ".join(
            cell.ljust(width) if i < table.left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    rendered.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([table.title, "", *rendered, *([table.note] if table.note else []), ""])
