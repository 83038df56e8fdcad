"""Text to terms: lower case, words, stop words, Snowball stems; pairs of characters where no spaces part words."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import Stemmer

from evalkit.errors import UnknownNameError
from evalkit.text_analysis.words import spaced_bigrams, spaced_words

_BIGRAM_LANGUAGES = frozenset({"burmese", "chinese", "japanese", "khmer", "korean", "lao", "thai"})
"""Written without spaces between words, or (Korean) with endings that no stemmer here takes off."""
_STOP_LISTS = {
    "english": "STOPWORDS_EN",
    "danish": "STOPWORDS_DANISH",
    "dutch": "STOPWORDS_DUTCH",
    "french": "STOPWORDS_FRENCH",
    "german": "STOPWORDS_GERMAN",
    "italian": "STOPWORDS_ITALIAN",
    "norwegian": "STOPWORDS_NORWEGIAN",
    "portuguese": "STOPWORDS_PORTUGUESE",
    "russian": "STOPWORDS_RUSSIAN",
    "spanish": "STOPWORDS_SPANISH",
    "swedish": "STOPWORDS_SWEDISH",
    "turkish": "STOPWORDS_TURKISH",
}
"""Languages with a stop list in bm25s; the English one is Lucene's. Others are stemmed only."""


_CODES = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "ja": "japanese",
    "km": "khmer",
    "ko": "korean",
    "lo": "lao",
    "lt": "lithuanian",
    "my": "burmese",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "th": "thai",
    "tr": "turkish",
    "yi": "yiddish",
    "zh": "chinese",
}
"""ISO 639-1, for those who write it: names are what is taken, as Snowball has no codes for all."""


def languages() -> list[str]:
    """Return the names of all languages that texts can be in."""
    return sorted({*Stemmer.algorithms(), *_BIGRAM_LANGUAGES})


def unknown_language(name: str) -> UnknownNameError:
    """Return the error for a name that is no language; a code like ``zh`` or ``pt-BR`` is told its name."""
    meant = _CODES.get(name.lower()[:2]) if len(name) == 2 or name[2:3] in {"-", "_"} else None
    return UnknownNameError("language", name, [meant] if meant else languages())


@dataclass(slots=True)
class Analyzer:
    """Splits text into terms of one language.

    Attributes
    ----------
    language
        Any Snowball language: ``english``, ``german``, ``arabic``, ...; or one that is split into pairs of
        characters: ``chinese``, ``japanese``, ``korean``, ``thai``, ``lao``, ``khmer``, ``burmese``.
    stop_words
        Terms that are dropped before stemming; empty where the language has no list.
    """

    language: str
    stop_words: frozenset[str] = field(init=False)
    _local: threading.local = field(init=False, repr=False)

    def __post_init__(self) -> None:
        from bm25s import stopwords

        if self.language not in languages():
            raise unknown_language(self.language)
        self._local = threading.local()  # a Snowball stemmer may not be shared between threads
        name = _STOP_LISTS.get(self.language)
        self.stop_words = frozenset(getattr(stopwords, name)) if name else frozenset()

    def __reduce__(self) -> tuple[type[Analyzer], tuple[str]]:
        """Travel between processes by its language: a stemmer cannot."""
        return Analyzer, (self.language,)

    def spaced(self, text: str) -> str:
        """Return the pieces of a text with spaces between them; some of them may be no terms."""
        return spaced_bigrams(text) if self._in_bigrams else spaced_words(text)

    def terms(self, text: str) -> list[str]:
        """Return the terms of a text in their order."""
        words = [word for word in self.spaced(text).split() if self._counts(word)]
        return words if self._in_bigrams else list(self._stemmer().stemWords(words))

    def all_terms(self, texts: Iterable[str]) -> list[list[str]]:
        """Return the terms of each text."""
        return [self.terms(text) for text in texts]

    def term_of_each(self, pieces: Sequence[str]) -> list[str | None]:
        """Return the term that each piece of `spaced` stands for; None where it is none."""
        if self._in_bigrams:
            return [piece if self._counts(piece) else None for piece in pieces]
        counted = [piece for piece in pieces if self._counts(piece)]
        terms = dict(zip(counted, self._stemmer().stemWords(counted), strict=True))
        return [terms.get(piece) for piece in pieces]

    @property
    def _in_bigrams(self) -> bool:
        return self.language in _BIGRAM_LANGUAGES

    def _counts(self, word: str) -> bool:
        if len(word) > 1:
            return word not in self.stop_words
        return self._in_bigrams and not word.isascii()

    def _stemmer(self) -> Any:
        stemmer = getattr(self._local, "stemmer", None)
        if stemmer is None:
            stemmer = self._local.stemmer = Stemmer.Stemmer(self.language)
            stemmer.maxCacheSize = 0  # emptying its cache takes longer than stemming anew
        return stemmer
