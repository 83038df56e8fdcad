"""Text to terms. BM25 and the lexical reranker share it."""

from evalkit.terms.analyzer import Analyzer, languages, unknown_language
from evalkit.terms.words import normal_form

__all__ = ["Analyzer", "languages", "normal_form", "unknown_language"]
