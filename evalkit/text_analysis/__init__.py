"""Text to terms. BM25 and the lexical reranker share it."""

from evalkit.text_analysis.analyzer import Analyzer, languages, unknown_language
from evalkit.text_analysis.words import normal_form

__all__ = [
    "Analyzer",
    "languages",
    "normal_form",
    "unknown_language",
]
