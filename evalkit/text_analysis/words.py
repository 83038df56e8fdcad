"""Where words begin and end."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import pairwise

_ASCII_GAPS = {code: re.sub(r"\W", " ", chr(code)) for code in range(128)}
_JOINERS = "\u200c\u200d"
"""Stand within words of Persian and of Indian scripts, and part no word."""
_UNSPACED = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u3040-\u30ff\u31f0-\u31ff\u3100-\u312f\u31a0-\u31bf"  # Hiragana, Katakana, Bopomofo
    "\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff"  # Hangul
    "\u0e01-\u0e7f\u0e81-\u0eff\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff"  # Thai, Lao, Khmer, Burmese
)


def normal_form(text: str) -> str:
    """Return what is left of a text when case, width of characters and white space do not count."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def spaced_words(text: str) -> str:
    """Return the words of a text in lower case with spaces between them; a lone character may stand there, too.

    A word is two letters, digits or underscores or more. The marks of a letter belong to its word: vowel signs of
    Hindi, points of Arabic, accents that stand by themselves (as in UAX #29; Python's own idea of a word ends there).
    """
    lowered = text.lower()
    if lowered.isascii():
        return lowered.translate(_ASCII_GAPS)  # many times faster than looking for words
    return " ".join(_word().findall(lowered))


def spaced_bigrams(text: str) -> str:
    """Return words as `spaced_words` does, and what is written without spaces as pairs of neighbouring characters.

    Pairs overlap, a character keeps its marks, and one without neighbour stands alone. Full and half widths
    and other forms of a character are one (NFKC).
    """
    lowered = unicodedata.normalize("NFKC", text).lower()
    if lowered.isascii():
        return lowered.translate(_ASCII_GAPS)
    return " ".join(piece for run in _run().findall(lowered) for piece in _pieces(run))


def _pieces(run: str) -> Iterable[str]:
    characters = _character().findall(run)
    if len(characters) < 2:  # a word of letters, or a character without neighbour
        return (run,)
    return (one + other for one, other in pairwise(characters))


@cache
def _word() -> re.Pattern[str]:
    return re.compile(rf"\w[\w{_marks()}]+")


@cache
def _run() -> re.Pattern[str]:
    """Match a run of one way of writing: without spaces, or a word between spaces."""
    spaced = rf"(?![{_UNSPACED}])"
    return re.compile(rf"(?:{_unspaced()})+|{spaced}\w(?:{spaced}[\w{_marks()}])+")


@cache
def _character() -> re.Pattern[str]:
    return re.compile(_unspaced())


def _unspaced() -> str:
    return rf"(?=\w)[{_UNSPACED}][{_marks()}]*"


@cache
def _marks() -> str:
    """Return the combining marks of the basic plane as a character class; beyond it they would halve the speed."""
    marks = (chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code))[0] == "M")
    return _JOINERS + "".join(marks)
