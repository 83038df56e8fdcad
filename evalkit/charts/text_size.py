"""Estimated widths of text; they are those of a wide typeface, so that text of the page's own has room."""

from __future__ import annotations

import unicodedata

_WIDTHS = (
    (0.30, "ijlI'|.,:;"),
    (0.36, " !/\\()[]-f"),
    (0.42, 'rt"*'),
    (0.54, "sczkvxyJ_?"),
    (0.72, "ABCDEFGHKLNOPRSTUVXYZ&"),
    (0.85, "wQ+=<>~#\u2026\u2212"),
    (1.00, "mWM%@"),
)
_OF = {character: width for width, characters in _WIDTHS for character in characters}
_DEFAULT = 0.64
_ELLIPSIS = "\u2026"


BOLD = 1.13
"""Width of bold text divided by that of regular text."""


def text_width(text: str, size: float) -> float:
    """Return the width of one line of regular text in pixels."""
    return size * sum(map(_width, text))


def _width(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in {"W", "F"}:
        return 1.0
    return _OF.get(character, _DEFAULT)


def shorten(text: str, size: float, width: float) -> str:
    """Return a text that fits a width; a longer one ends in an ellipsis."""
    if text_width(text, size) <= width:
        return text
    kept = text
    while kept and text_width(kept + _ELLIPSIS, size) > width:
        kept = kept[:-1]
    return kept.rstrip() + _ELLIPSIS


def wrap(text: str, size: float, width: float) -> list[str]:
    """Return the lines of a text, broken at spaces; a word that is too long is shortened."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(shorten(word, size, width))
    return lines
