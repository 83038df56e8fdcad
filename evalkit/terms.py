"""Text to terms: lower case, words, stop words, Snowball stems. BM25 and the lexical reranker share it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import Stemmer

from evalkit.errors import UnknownNameError

_WORD = re.compile(r"\w\w+")
_ASCII_GAPS = {code: re.sub(r"\W", " ", chr(code)) for code in range(128)}
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


@dataclass(slots=True)
class Analyzer:
    """Splits text into terms of one language.

    Attributes
    ----------
    language
        Any Snowball language: ``english``, ``german``, ``arabic``, ...
    stop_words
        Terms that are dropped before stemming; empty where the language has no list.
    """

    language: str
    stop_words: frozenset[str] = field(init=False)
    _local: threading.local = field(init=False, repr=False)

    def __post_init__(self) -> None:
        from bm25s import stopwords

        languages = Stemmer.algorithms()
        if self.language not in languages:
            raise UnknownNameError("language", self.language, languages)
        self._local = threading.local()  # a Snowball stemmer may not be shared between threads
        name = _STOP_LISTS.get(self.language)
        self.stop_words = frozenset(getattr(stopwords, name)) if name else frozenset()

    def __reduce__(self) -> tuple[type[Analyzer], tuple[str]]:
        """Travel between processes by its language: a stemmer cannot."""
        return Analyzer, (self.language,)

    def terms(self, text: str) -> list[str]:
        """Return the terms of a text in their order."""
        words = [word for word in spaced_words(text).split() if self._counts(word)]
        return list(self._stemmer().stemWords(words))

    def all_terms(self, texts: Iterable[str]) -> list[list[str]]:
        """Return the terms of each text."""
        return [self.terms(text) for text in texts]

    def term_of_each(self, words: Sequence[str]) -> list[str | None]:
        """Return the term that each piece of `spaced_words` stands for; None where it is none."""
        counted = [word for word in words if self._counts(word)]
        terms = dict(zip(counted, self._stemmer().stemWords(counted), strict=True))
        return [terms.get(word) for word in words]

    def _counts(self, word: str) -> bool:
        return len(word) > 1 and word not in self.stop_words

    def _stemmer(self) -> Any:
        stemmer = getattr(self._local, "stemmer", None)
        if stemmer is None:
            stemmer = self._local.stemmer = Stemmer.Stemmer(self.language)
            stemmer.maxCacheSize = 0  # emptying its cache takes longer than stemming anew
        return stemmer


def spaced_words(text: str) -> str:
    """Return the words of a text in lower case with spaces between them; a lone character may stand there, too."""
    lowered = text.lower()
    if lowered.isascii():
        return lowered.translate(_ASCII_GAPS)  # many times faster than looking for words
    return " ".join(_WORD.findall(lowered))
