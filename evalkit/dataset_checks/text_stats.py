"""Compute length, damage and fingerprint of every text in one pass, without keeping the texts."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntFlag
from hashlib import blake2b
from html.entities import html5

import numpy as np
from numpy.typing import NDArray

from evalkit.text_analysis import normal_form


class Damage(IntFlag):
    """Kinds of damage that a text shows."""

    REPLACED = 1
    MOJIBAKE = 2
    CONTROL = 4
    MARKUP = 8


@dataclass(frozen=True, slots=True, eq=False)
class TextStats:
    """Statistics of n texts.

    Attributes
    ----------
    characters, words
        ``(n,)`` lengths; words are separated by white space.
    content
        ``(n,)`` number of characters other than white space.
    damage
        ``(n,)`` uint8 flags of `Damage`.
    fingerprints
        ``(n,)`` uint64 hashes of `normal_form`: equal for equal texts, very rarely equal for different ones.
    """

    characters: NDArray[np.int64]
    words: NDArray[np.int64]
    content: NDArray[np.int64]
    damage: NDArray[np.uint8]
    fingerprints: NDArray[np.uint64]

    @classmethod
    def of(cls, texts: Iterable[str]) -> TextStats:
        """Return the statistics of texts; reads every text once and uses 33 bytes for each."""
        characters, words, content = array("q"), array("q"), array("q")
        damage, fingerprints = array("B"), array("Q")
        for text in texts:
            pieces = text.split()
            characters.append(len(text))
            words.append(len(pieces))
            content.append(len("".join(pieces)))
            damage.append(damage_of(text))
            fingerprints.append(fingerprint(text))
        return cls(
            np.array(characters, dtype=np.int64),
            np.array(words, dtype=np.int64),
            np.array(content, dtype=np.int64),
            np.array(damage, dtype=np.uint8),
            np.array(fingerprints, dtype=np.uint64),
        )

    @property
    def empty(self) -> NDArray[np.bool_]:
        """``(n,)`` whether a text is empty or only white space."""
        return np.asarray(self.content == 0)

    def damaged(self, kind: Damage) -> NDArray[np.bool_]:
        """Return ``(n,)`` whether a text has this kind of damage."""
        return np.asarray((self.damage & np.uint8(kind)) > 0)


def fingerprint(text: str) -> int:
    """Return a 64-bit hash of the normal form, the same in every process."""
    data = normal_form(text).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


def damage_of(text: str) -> int:
    """Return the `Damage` flags of a text."""
    found = Damage(0)
    if not text.isascii():
        if "\ufffd" in text:
            found |= Damage.REPLACED
        if _SUSPECT.search(text) and _MOJIBAKE.search(text):
            found |= Damage.MOJIBAKE
            # Remove it, because mojibake may contain control characters, which would be reported twice.
            text = _MOJIBAKE.sub("", text)
    if _CONTROL.search(text):
        found |= Damage.CONTROL
    if ("<" in text and _TAG.search(text)) or ("&" in text and _has_entity(text)):
        found |= Damage.MARKUP
    return int(found)


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")
"""Control characters except tab and line ends, byte order marks, and lone surrogates."""

_TAG = re.compile(
    r"</?(?:a|b|br|code|div|em|font|h[1-6]|i|img|li|ol|p|pre|script|span|strong|style|sub|sup|t[dhr]|table|u|ul)"
    r"(?:\s[^<>]{0,300})?/?>",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

_TRAIL = "[\x80-\xbf" + "".join(bytes([b]).decode("cp1252", "ignore") for b in range(0x80, 0xA0)) + "]"
"""The second and later bytes of a UTF-8 character, read as Latin-1 or Windows-1252."""

_SUSPECT = re.compile(f"[\xc2-\xf0]{_TRAIL}")
"""Occurs in all mojibake and is fast to search for."""

_MOJIBAKE = re.compile(
    f"[\xc2\xc3]{_TRAIL}"  # accented Latin letters and signs: an A with circumflex or tilde, and a sign
    f"|\xe2[\u20ac\x80\u201a\x82]{_TRAIL}"  # typographic quotes, dashes, the euro
    f"|\xef\xbb\xbf|\xf0[\u0178\x9f]{_TRAIL}{_TRAIL}"  # a byte order mark, emoji
    f"|(?:[\xc4-\xdf]{_TRAIL}){{3}}|(?:[\xe0-\xef]{_TRAIL}{{2}}){{2}}"  # whole words of other scripts
)


def _has_entity(text: str) -> bool:
    return any(m[0][1] == "#" or m[0][1:] in html5 for m in _ENTITY.finditer(text))
