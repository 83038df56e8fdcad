"""Reranker backends. Open one with ``load_reranker``; each backend is one file and one line in the registry."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.rerankers.base import (
        Described,
        Instructable,
        Measuring,
        Pooled,
        Portion,
        Preparable,
        Reranker,
        highest_grade,
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
    "highest_grade",
    "instruction_place",
    "load_reranker",
    "open_reranker",
    "readable",
]

__getattr__ = load_on_use(__name__)
