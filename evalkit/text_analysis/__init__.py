"""Split texts into terms, for BM25 and the lexical reranker."""

from evalkit.text_analysis.analyzer import Analyzer, languages, unknown_language
from evalkit.text_analysis.words import normal_form

__all__ = [
    "Analyzer",
    "languages",
    "normal_form",
    "unknown_language",
]
