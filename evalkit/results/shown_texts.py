"""Limits on the ranked lists and texts that a report can show."""

from __future__ import annotations

SHOWN = 10
"""Documents of each ranked list that a report shows."""
MOST_CHARACTERS = 400
"""Most characters of a text in a result folder."""


def snippet(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return the first `most` characters of a text, without lone surrogates, which UTF-8 cannot encode."""
    cut = text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return cut.encode("utf-8", "replace").decode()
