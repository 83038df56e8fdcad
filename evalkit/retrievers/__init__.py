"""First stages: retrievers that find the candidates for reranking."""

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
