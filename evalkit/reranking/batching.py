"""Split candidate lists into requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evalkit.config import TextTemplates
from evalkit.config.text_templates import AS_THEY_ARE
from evalkit.errors import InputError
from evalkit.records import Dataset, RerankRequest, Run
from evalkit.reranking.token_estimates import CAUTIOUS_TOKENS_PER_CHARACTER, characters, request_bytes

if TYPE_CHECKING:
    from evalkit.config import RerankerSettings


@dataclass(frozen=True, slots=True)
class Batch:
    """One request and the ranks of its documents in the query's candidate list.

    Attributes
    ----------
    request
        The request.
    ranks
        ``(n,)`` ranks of the documents in the candidate list, from 1; empty if they are not candidates.
    filled
        Number of documents that are not candidates but fill the batch up (latency pass).
    """

    request: RerankRequest
    ranks: tuple[int, ...] = ()
    filled: int = 0


@dataclass(frozen=True, slots=True)
class Caps:
    """Maximum documents, bytes and tokens of one request; None for no limit. Texts count as they are sent.

    Attributes
    ----------
    documents, bytes, tokens
        The limits.
    templates, more_characters
        What is sent in place of the texts, and in addition for each document, as in `Traffic`.
    """

    documents: int | None = None
    bytes: int | None = None
    tokens: int | None = None
    templates: TextTemplates = AS_THEY_ARE
    more_characters: int = 0

    @classmethod
    def of(cls, settings: RerankerSettings) -> Caps:
        """Return the caps for calls of the quality pass."""
        traffic = settings.traffic()
        return cls(
            documents=settings.largest_batch(),
            bytes=traffic.max_bytes,
            tokens=traffic.max_tokens,
            templates=traffic.templates,
            more_characters=traffic.more_characters,
        )


def batch(
    candidates: Run,
    dataset: Dataset,
    caps: Caps,
    *,
    pointwise: bool,
    known: Mapping[str, frozenset[int]] | None = None,
) -> Iterator[Batch]:
    """Yield requests with every query's candidates, each within the caps.

    Bytes and tokens are estimates; tokens are overestimated. A single document beyond a cap is sent
    in its own request: the backend decides whether it is too long.

    Parameters
    ----------
    candidates, dataset
        Candidate lists and texts.
    caps
        Maximum documents, bytes and tokens of a request.
    pointwise
        Whether a list may be split.
    known
        Query id -> ranks with cached scores, which are not requested. A list that may not be split
        is requested completely, unless all its scores are cached.

    Raises
    ------
    InputError
        If a list exceeds a cap and the reranker is not pointwise: its scores would depend on
        how the list is split.
    """
    queries = {query.query_id: query for query in dataset.queries}
    for query_id, docs, _ in candidates:
        ranks = _wanted(len(docs), (known or {}).get(query_id, frozenset()), pointwise=pointwise)
        doc_ids = docs if len(ranks) == len(docs) else tuple([docs[rank - 1] for rank in ranks])
        documents = tuple(map(dataset.corpus.text, doc_ids))
        query = queries[query_id]
        ends = list(call_ends(query.instructed_text, documents, caps))
        if len(ends) > 1 and not pointwise:
            raise InputError(
                f"query {query_id!r} has {len(docs)} candidates and one call takes {ends[0]},"
                " but this reranker needs the whole list in one call",
                "lower the depth, or raise batch_size, max_documents, max_bytes or max_tokens",
            )
        for start, end in zip([0, *ends[:-1]], ends, strict=False):
            request = RerankRequest(
                query_id, query.text, documents[start:end], doc_ids[start:end], instruction=query.instruction
            )
            yield Batch(request, ranks[start:end])


def _wanted(count: int, known: frozenset[int], *, pointwise: bool) -> tuple[int, ...]:
    """Return the ranks to request."""
    wanted = tuple([rank for rank in range(1, count + 1) if rank not in known])
    return wanted if pointwise or not wanted else tuple(range(1, count + 1))


def call_ends(query: str, documents: tuple[str, ...], caps: Caps) -> Iterator[int]:
    """Yield the end position of each request of a list; requests are as large as the caps allow.

    The query is given with its instruction.
    """
    if caps.bytes is None and caps.tokens is None:
        count = len(documents)
        yield from range(caps.documents, count, caps.documents) if caps.documents is not None else ()
        if count:
            yield count
        return
    start = 0
    query, documents = caps.templates.sent(query, documents)
    bytes_, tokens = len(query.encode("utf-8", "replace")), 0.0
    for position, text in enumerate(documents):
        more_bytes = request_bytes("", (text,)) + caps.more_characters
        more_tokens = (characters(query, (text,)) + caps.more_characters) * CAUTIOUS_TOKENS_PER_CHARACTER
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
    """Yield the documents of a batch in batches of at most `size`."""
    request = item.request
    for start in range(0, len(request.documents), size):
        part = replace(
            request,
            documents=request.documents[start : start + size],
            doc_ids=request.doc_ids[start : start + size],
        )
        yield Batch(part, item.ranks[start : start + size])
