"""Split text into terms: lower-case words without stop words, stemmed by Snowball; else character bigrams."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import Stemmer

from evalkit.errors import UnknownNameError
from evalkit.text_analysis.stop_words import stop_words
from evalkit.text_analysis.words import (
    bigram_places,
    spaced_bigrams,
    spaced_block,
    spaced_words,
    word_places,
)

_BIGRAM_LANGUAGES = frozenset({"burmese", "chinese", "japanese", "khmer", "korean", "lao", "thai"})
"""Languages written without spaces between words, and Korean, whose word endings no available stemmer removes."""

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
"""ISO 639-1 code -> language name, for the hint of `unknown_language`. Settings take names, as Snowball does."""


def languages() -> list[str]:
    """Return the names of all supported languages, sorted."""
    return sorted({*Stemmer.algorithms(), *_BIGRAM_LANGUAGES})


def unknown_language(name: str) -> UnknownNameError:
    """Return the error for an unknown language name; for a code like ``zh`` or ``pt-BR`` the hint is its name."""
    is_code = len(name) == 2 or name[2:3] in {"-", "_"}
    language = _CODES.get(name.lower()[:2]) if is_code else None
    return UnknownNameError("language", name, [language] if language else languages())


@dataclass(slots=True)
class Analyzer:
    """Splits text in one language into terms.

    A token is a word or a character bigram of a text. A term is what BM25 counts: a token that is neither a stop word
    nor too short, stemmed.

    Attributes
    ----------
    language
        Any Snowball language: ``english``, ``german``, ``arabic``, ...; or a language that is split into character
        bigrams: ``chinese``, ``japanese``, ``korean``, ``thai``, ``lao``, ``khmer``, ``burmese``.
    stop_words
        Words that are removed before stemming; empty if the language has no list.

    Raises
    ------
    UnknownNameError
        If the language is not one of `languages`.
    """

    language: str
    stop_words: frozenset[str] = field(init=False)
    _local: threading.local = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.language not in languages():
            raise unknown_language(self.language)
        self._local = threading.local()  # a Snowball stemmer must not be shared between threads
        self.stop_words = stop_words(self.language)

    def __reduce__(self) -> tuple[type[Analyzer], tuple[str]]:
        """Pickle the language only, because a stemmer cannot be pickled."""
        return Analyzer, (self.language,)

    def spaced_tokens(self, text: str) -> str:
        """Return the tokens of a text, separated by white space; not every token is a term."""
        return spaced_bigrams(text) if self._uses_bigrams else spaced_words(text)

    def token_block(self, texts: Iterable[str]) -> tuple[bytes, list[int]]:
        """Return the `spaced_tokens` of texts as one UTF-8 block with spaces between tokens, and each text's bytes."""
        return spaced_block(texts, self.spaced_tokens)

    def terms(self, text: str) -> list[str]:
        """Return the terms of a text in order."""
        words = [token for token in self.spaced_tokens(text).split() if self._is_term(token)]
        return words if self._uses_bigrams else list(self._stemmer().stemWords(words))

    def all_terms(self, texts: Iterable[str]) -> list[list[str]]:
        """Return the terms of each text."""
        return [self.terms(text) for text in texts]

    def terms_of_tokens(self, tokens: Sequence[str]) -> list[str | None]:
        """Return the term of each token of `spaced_tokens`; None for a token that is not a term."""
        if self._uses_bigrams:
            return [token if self._is_term(token) else None for token in tokens]
        words = [token for token in tokens if self._is_term(token)]
        terms = dict(zip(words, self._stemmer().stemWords(words), strict=True))
        return [terms.get(token) for token in tokens]

    def token_places(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield beginning and end of each token of a text; places of bigrams overlap."""
        return bigram_places(text) if self._uses_bigrams else word_places(text)

    @property
    def _uses_bigrams(self) -> bool:
        return self.language in _BIGRAM_LANGUAGES

    def _is_term(self, token: str) -> bool:
        if len(token) > 1:
            return token not in self.stop_words
        return self._uses_bigrams and not token.isascii()

    def _stemmer(self) -> Any:
        stemmer = getattr(self._local, "stemmer", None)
        if stemmer is None:
            stemmer = self._local.stemmer = Stemmer.Stemmer(self.language)
            stemmer.maxCacheSize = 0  # purging the stemmer's cache takes longer than stemming again
        return stemmer
