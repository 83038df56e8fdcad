"""Split texts into terms, for BM25 and the lexical reranker."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.text_analysis.analyzer import Analyzer, languages, unknown_language
    from evalkit.text_analysis.matched_words import matched_parts
    from evalkit.text_analysis.words import normal_form

__all__ = [
    "Analyzer",
    "languages",
    "matched_parts",
    "normal_form",
    "unknown_language",
]

__getattr__ = load_on_use(__name__)
