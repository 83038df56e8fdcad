"""Text to terms: lower case, words, stop words, Snowball stems. BM25 and the lexical reranker share it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import Stemmer

from evalkit.errors import UnknownNameError

_WORD = re.compile(r"(?u)\b\w\w+\b")
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

    def terms(self, text: str) -> list[str]:
        """Return the terms of a text in their order."""
        words = [word for word in _WORD.findall(text.lower()) if word not in self.stop_words]
        stemmer: Any = getattr(self._local, "stemmer", None)
        if stemmer is None:
            stemmer = self._local.stemmer = Stemmer.Stemmer(self.language)
        return list(stemmer.stemWords(words))

    def all_terms(self, texts: Iterable[str]) -> list[list[str]]:
        """Return the terms of each text."""
        return [self.terms(text) for text in texts]
