"""Reranker backends. Open one with ``load_reranker``; each backend is one file and one line in the registry."""

from evalkit.rerankers.base import (
    Described,
    Instructable,
    Measuring,
    Pooled,
    Portion,
    Preparable,
    Reranker,
    instruction_place,
    load_reranker,
    open_reranker,
    readable,
)
from evalkit.rerankers.embedding_cache import Embedded

__all__ = [
    "Described",
    "Embedded",
    "Instructable",
    "Measuring",
    "Pooled",
    "Portion",
    "Preparable",
    "Reranker",
    "instruction_place",
    "load_reranker",
    "open_reranker",
    "readable",
]
