"""Split text into words and character bigrams, in any script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import pairwise

_ASCII_GAPS = {code: re.sub(r"\W", " ", chr(code)) for code in range(128)}
"""ASCII code -> the character, or a space if it is not part of a word; for `str.translate`."""
_LOWER_WORDS = bytes(ord(_ASCII_GAPS[ord(chr(code).lower())]) if code < 128 else code for code in range(256))
"""Byte -> what lower-casing and `_ASCII_GAPS` make of it; bytes of other characters stay; for `bytes.translate`."""
_JOINERS = "\u200c\u200d"
"""Zero-width joiners: they occur inside words of Persian and of Indic scripts and do not end a word."""
_UNSPACED = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u3040-\u30ff\u31f0-\u31ff\u3100-\u312f\u31a0-\u31bf"  # Hiragana, Katakana, Bopomofo
    "\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff"  # Hangul
    "\u0e01-\u0e7f\u0e81-\u0eff\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff"  # Thai, Lao, Khmer, Burmese
)
"""Character ranges of scripts that `spaced_bigrams` splits into bigrams."""


def normal_form(text: str) -> str:
    """Return a text with case, character width and white space normalised, to compare texts."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def spaced_block(texts: Iterable[str], spaced: Callable[[str], str]) -> tuple[bytes, list[int]]:
    """Return the words of many texts as one UTF-8 block, separated by spaces, many times faster than text by text.

    Parameters
    ----------
    texts
        Texts.
    spaced
        `spaced_words` or `spaced_bigrams`. Both lower ASCII texts and replace what belongs to no word by spaces, which
        a table does for all texts at once. It changes no other text, whose words are already in lower case.

    Returns
    -------
    block, sizes
        The words, and the bytes of each text in the block. A space follows each text.
    """
    pieces = [(text if text.isascii() else spaced(text)).encode() for text in texts]
    pieces.append(b"")
    return b" ".join(pieces).translate(_LOWER_WORDS), [len(piece) + 1 for piece in pieces[:-1]]


def spaced_words(text: str) -> str:
    """Return the words of a text in lower case, separated by white space; single characters may be among them.

    A word is a sequence of two or more letters, digits or underscores. Combining marks belong to the word of their
    letter, as in UAX #29: Hindi vowel signs, Arabic points, separate accents. Python's word class excludes them.
    """
    lowered = text.lower()
    if lowered.isascii():
        return lowered.translate(_ASCII_GAPS)  # many times faster than a regular expression
    return " ".join(_word().findall(lowered))


def spaced_bigrams(text: str) -> str:
    """Return words as `spaced_words` does, with text in scripts without spaces split into character bigrams.

    Bigrams overlap, a character includes its combining marks, and a single character is a token of its own. Full-width,
    half-width and other compatibility forms of a character are equal (NFKC).
    """
    lowered = unicodedata.normalize("NFKC", text).lower()
    if lowered.isascii():
        return lowered.translate(_ASCII_GAPS)
    return " ".join(token for run in _run().findall(lowered) for token in _tokens(run))


def word_places(text: str) -> Iterator[tuple[int, int]]:
    """Yield beginning and end of each word of a text, in the text as it is; see `spaced_words`."""
    return (found.span() for found in _word().finditer(text))


def bigram_places(text: str) -> Iterator[tuple[int, int]]:
    """Yield beginning and end of each token of a text, in the text as it is; see `spaced_bigrams`."""
    for run in _run().finditer(text):
        characters = [found.span() for found in _character().finditer(text, *run.span())]
        if len(characters) < 2:
            yield run.span()
        else:
            yield from ((first[0], second[1]) for first, second in pairwise(characters))


def _tokens(run: str) -> Iterable[str]:
    characters = _character().findall(run)
    if len(characters) < 2:  # a word in a script with spaces, or a single character
        return (run,)
    return (first + second for first, second in pairwise(characters))


@cache
def _word() -> re.Pattern[str]:
    return re.compile(rf"\w[\w{_marks()}]+")


@cache
def _run() -> re.Pattern[str]:
    """Match characters of scripts without spaces, or one word of a script with spaces."""
    spaced = rf"(?![{_UNSPACED}])"
    return re.compile(rf"(?:{_unspaced()})+|{spaced}\w(?:{spaced}[\w{_marks()}])+")


@cache
def _character() -> re.Pattern[str]:
    return re.compile(_unspaced())


def _unspaced() -> str:
    """Return the pattern of one character of a script without spaces, with its combining marks."""
    return rf"(?=\w)[{_UNSPACED}][{_marks()}]*"


@cache
def _marks() -> str:
    """Return the combining marks for a character class; only those of the basic plane, for twice the speed."""
    marks = (chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code))[0] == "M")
    return _JOINERS + "".join(marks)
