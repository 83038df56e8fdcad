"""A request with short texts that every reranker accepts, for when an API refuses a text of the dataset."""

from __future__ import annotations

from evalkit.records import RerankRequest

_QUERY = "What is the capital of France?"
_DOCUMENTS = ("Paris is the capital of France.", "Bread is made from flour and water.")


def fixed_request(documents: int) -> RerankRequest:
    """Return a request with one or two documents; its ids are not those of a dataset."""
    ids = tuple(f"evalkit test document {number}" for number in range(1, documents + 1))
    return RerankRequest("evalkit test query", _QUERY, _DOCUMENTS[:documents], ids)
