"""First stages: retrievers that find the candidates for reranking."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.retrievers.candidates import (
        Retriever,
        open_retriever,
        retrieve_candidates,
        retriever_context,
        without_same_ids,
    )

__all__ = [
    "Retriever",
    "open_retriever",
    "retrieve_candidates",
    "retriever_context",
    "without_same_ids",
]

__getattr__ = load_on_use(__name__)
