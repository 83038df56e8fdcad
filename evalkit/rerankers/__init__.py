"""Reranker backends. Open one with ``load_reranker``; each backend is one file and one line in the registry."""

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
