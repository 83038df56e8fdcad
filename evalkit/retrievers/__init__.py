"""First stages: what finds the candidates that rerankers reorder."""

from evalkit.retrievers.candidates import Retriever, open_retriever, opened_retriever, retrieve_candidates

__all__ = [
    "Retriever",
    "open_retriever",
    "opened_retriever",
    "retrieve_candidates",
]
