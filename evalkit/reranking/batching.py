"""Candidates cut into requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from evalkit.config import RerankerSettings
from evalkit.errors import InputError
from evalkit.records import Dataset, RerankRequest, Run
from evalkit.reranking.token_estimates import CAUTIOUS_TOKENS_PER_CHARACTER, characters, request_bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """One request and where its documents stand in their query's candidate list.

    Attributes
    ----------
    request
        What is sent.
    ranks
        ``(n,)`` ranks of the documents in their query's list, from 1; empty where they are in none.
    filled
        Documents that are not candidates but were put in to fill the batch (latency pass).
    """

    request: RerankRequest
    ranks: tuple[int, ...] = ()
    filled: int = 0


@dataclass(frozen=True, slots=True)
class Caps:
    """Most documents, bytes and tokens of one request; None for no limit."""

    documents: int | None = None
    bytes: int | None = None
    tokens: int | None = None

    @classmethod
    def of(cls, settings: RerankerSettings) -> Caps:
        """Return the caps of the calls of the quality pass."""
        traffic = settings.traffic()
        return cls(settings.largest_batch(), traffic.max_bytes, traffic.max_tokens)


def batch(
    candidates: Run,
    dataset: Dataset,
    caps: Caps,
    *,
    pointwise: bool,
    known: Mapping[str, frozenset[int]] | None = None,
) -> Iterator[Batch]:
    """Cut every query's candidates into requests that keep the caps.

    Bytes and tokens are estimates, the tokens cautious ones. A single document beyond a cap is a
    request of its own: whether it is too long is the backend's to say.

    Parameters
    ----------
    candidates, dataset
        Lists and texts.
    caps
        Most documents, bytes and tokens of a request.
    pointwise
        Whether a list may be split.
    known
        Query -> ranks whose scores are known and not asked for. A list that may not be split is
        asked for whole, unless all of it is known.

    Raises
    ------
    InputError
        If a list is beyond a cap and the reranker is not pointwise: its scores would depend on
        how the list is split.
    """
    texts = {query.query_id: query.text for query in dataset.queries}
    for query_id, docs, _ in candidates:
        ranks = _wanted(len(docs), (known or {}).get(query_id, frozenset()), pointwise=pointwise)
        documents = tuple(dataset.corpus.text(docs[rank - 1]) for rank in ranks)
        ends = list(_ends(texts[query_id], documents, caps))
        if len(ends) > 1 and not pointwise:
            raise InputError(
                f"query {query_id!r} has {len(docs)} candidates and one call takes {ends[0]},"
                " but this reranker looks at the whole list",
                "lower the depth, or raise batch_size, max_documents, max_bytes or max_tokens",
            )
        for start, end in zip([0, *ends[:-1]], ends, strict=False):
            part = ranks[start:end]
            ids = tuple(docs[rank - 1] for rank in part)
            yield Batch(RerankRequest(query_id, texts[query_id], documents[start:end], ids), part)


def _wanted(count: int, known: frozenset[int], *, pointwise: bool) -> tuple[int, ...]:
    """Return the ranks to ask for."""
    wanted = tuple(rank for rank in range(1, count + 1) if rank not in known)
    return wanted if pointwise or not wanted else tuple(range(1, count + 1))


def _ends(query: str, documents: tuple[str, ...], caps: Caps) -> Iterator[int]:
    """Yield where each request ends: as late as the caps allow."""
    start = 0
    bytes_, tokens = len(query.encode("utf-8", "replace")), 0.0
    for position, text in enumerate(documents):
        more_bytes = request_bytes("", (text,))
        more_tokens = characters(query, (text,)) * CAUTIOUS_TOKENS_PER_CHARACTER
        full = (
            (caps.documents is not None and position - start >= caps.documents)
            or (caps.bytes is not None and bytes_ + more_bytes > caps.bytes)
            or (caps.tokens is not None and tokens + more_tokens > caps.tokens)
        )
        if full and position > start:
            yield position
            start, bytes_, tokens = position, len(query.encode("utf-8", "replace")), 0.0
        bytes_ += more_bytes
        tokens += more_tokens
    if documents:
        yield len(documents)


def cut(item: Batch, size: int) -> Iterator[Batch]:
    """Cut one batch into batches of at most `size` documents."""
    request = item.request
    for start in range(0, len(request.documents), size):
        part = replace(
            request,
            documents=request.documents[start : start + size],
            doc_ids=request.doc_ids[start : start + size],
        )
        yield Batch(part, item.ranks[start : start + size])
