"""Reranker backends. ``load_reranker`` is the way in; each backend is one file and one registry line."""

from evalkit.rerankers.base import (
    Described,
    Measuring,
    Pooled,
    Portion,
    Preparable,
    Reranker,
    load_reranker,
    open_reranker,
)
from evalkit.rerankers.embedding_cache import Embedded

__all__ = [
    "Described",
    "Embedded",
    "Measuring",
    "Pooled",
    "Portion",
    "Preparable",
    "Reranker",
    "load_reranker",
    "open_reranker",
]
