"""The words of a text that say what it is about, whatever its language."""

from __future__ import annotations

from functools import cache

from evalkit.text_analysis.stop_words import all_stop_words
from evalkit.text_analysis.words import spaced_bigrams

_stop_words = cache(all_stop_words)


def content_words(text: str) -> frozenset[str]:
    """Return the distinct words, or character bigrams, of a text that are a stop word in no known language."""
    return frozenset(token for token in spaced_bigrams(text).split() if len(token) > 1) - _stop_words()
