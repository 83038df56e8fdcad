"""Candidates cut into requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evalkit.errors import InputError
from evalkit.records import Dataset, RerankRequest, Run


@dataclass(frozen=True, slots=True)
class Batch:
    """One request and where its documents stand in their query's candidate list.

    Attributes
    ----------
    request
        What is sent.
    first_rank
        Rank, from 1, of the first document.
    filled
        Documents that are not candidates but were put in to fill the batch (latency pass).
    """

    request: RerankRequest
    first_rank: int
    filled: int = 0


def batch(candidates: Run, dataset: Dataset, batch_size: int | None, *, pointwise: bool) -> Iterator[Batch]:
    """Cut every query's candidates into requests of at most `batch_size` documents.

    Raises
    ------
    InputError
        If a list is longer than `batch_size` and the reranker is not pointwise: its scores
        would depend on how the list is split.
    """
    texts = {query.query_id: query.text for query in dataset.queries}
    for query_id, docs, _ in candidates:
        size = batch_size or len(docs)
        if len(docs) > size and not pointwise:
            raise InputError(
                f"query {query_id!r} has {len(docs)} candidates and one call takes {size},"
                " but this reranker looks at the whole list",
                "lower the depth, or raise batch_size or max_documents",
            )
        for start in range(0, len(docs), size):
            part = docs[start : start + size]
            documents = tuple(dataset.corpus.text(doc_id) for doc_id in part)
            yield Batch(RerankRequest(query_id, texts[query_id], documents, part), start + 1)
