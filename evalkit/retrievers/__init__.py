"""First stages: retrievers that find the candidates for reranking."""

from evalkit.retrievers.candidates import Retriever, open_retriever, retrieve_candidates, retriever_context

__all__ = [
    "Retriever",
    "open_retriever",
    "retrieve_candidates",
    "retriever_context",
]
