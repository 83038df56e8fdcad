"""Split texts into terms, for BM25 and the lexical reranker."""

from evalkit.text_analysis.analyzer import Analyzer, languages, unknown_language
from evalkit.text_analysis.content_words import content_words
from evalkit.text_analysis.words import normal_form

__all__ = [
    "Analyzer",
    "content_words",
    "languages",
    "normal_form",
    "unknown_language",
]
