"""How much of ranked lists and of texts a report can show."""

from __future__ import annotations

SHOWN = 10
"""Documents of each ranked list that a report shows."""
MOST_CHARACTERS = 400
"""Of a text that is kept."""


def snippet(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return the beginning of a text, as UTF-8 can hold it."""
    cut = text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return cut.encode("utf-8", "replace").decode()
