"""Request and response of one call to a reranker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.records.amounts import known_amount, known_count, shown_amount

ScoreKind = Literal["logit", "probability", "cosine", "unbounded", "rank", "unknown"]
"""What a score means. Only scores of the same kind may be mapped or compared across systems. ``rank`` is an order
without scores, written as 1 / rank."""


def instructed(query: str, instruction: str) -> str:
    """Return a query with its instruction as one text: both with a space between them; the query alone without one.

    This is what a model reads that has no place of its own for an instruction. Source: mteb's cross-encoders and
    monoT5 models (``models/model_implementations/rerankers_custom.py``) and FollowIR (arXiv 2403.15246) join them so.

    >>> instructed("battery", "Only manuals are relevant.")
    'battery Only manuals are relevant.'
    """
    return f"{query} {instruction}".strip() if instruction else query


@dataclass(frozen=True, slots=True)
class RerankRequest:
    """One query with the documents to score.

    Attributes
    ----------
    query_id
        Identifier of the query for errors and logs; never sent to a backend.
    query
        Text of the query.
    documents
        ``(n,)`` texts of the documents.
    doc_ids
        ``(n,)`` their ids, for backends that look scores up instead of computing them.
    call_id
        Idempotency key, the same for all attempts of a call, for APIs that bill a repeated key once; empty for none.
    instruction
        The instruction of the query, which is part of what is scored; empty for none. See `Query`.
    """

    query_id: str
    query: str
    documents: tuple[str, ...]
    doc_ids: tuple[str, ...]
    call_id: str = ""
    instruction: str = ""

    @property
    def instructed_query(self) -> str:
        """The query with its instruction as one text; see `instructed`."""
        return instructed(self.query, self.instruction)


@dataclass(frozen=True, slots=True)
class Usage:
    """Usage that a backend reports for a call; None for every value it does not report.

    Attributes
    ----------
    tokens
        Tokens of queries and documents, plus generated tokens.
    units
        Search or rerank units, as the API defines them.
    billed_bytes, characters
        Bytes or characters, for APIs that bill by them.
    cost_usd
        Cost that the API itself reports.
    output_tokens
        The part of `tokens` that a model generated.
    """

    tokens: int | None = None
    units: float | None = None
    billed_bytes: int | None = None
    characters: int | None = None
    cost_usd: float | None = None
    output_tokens: int | None = None

    def known(self) -> Usage:
        """Return the usage with None for every value that is no amount, e.g. negative, infinite or beyond int64."""
        return Usage(
            tokens=known_count(self.tokens),
            units=known_amount(self.units),
            billed_bytes=known_count(self.billed_bytes),
            characters=known_count(self.characters),
            cost_usd=known_amount(self.cost_usd),
            output_tokens=known_count(self.output_tokens),
        )

    def unusable(self) -> dict[str, str]:
        """Return the values that are no amounts, for messages: field -> value."""
        known = self.known()
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: shown_amount(value)
            for name, value in given.items()
            if value is not None and getattr(known, name) is None
        }


@dataclass(frozen=True, slots=True)
class ServerTime:
    """A processing time that a server reports.

    Attributes
    ----------
    name
        Header or JSON key that contains it.
    seconds
        The time.
    meaning
        ``request`` if it covers the whole request; otherwise a description of what it covers, for example a mean per
        pair.
    """

    name: str
    seconds: float
    meaning: str

    @classmethod
    def known(cls, times: Iterable[ServerTime]) -> tuple[ServerTime, ...]:
        """Return the times that are durations; the others are unknown."""
        return tuple(time for time in times if known_amount(time.seconds) is not None)


@dataclass(frozen=True, slots=True)
class Timeline:
    """When each step of an HTTP request was complete, in seconds of `time.perf_counter`.

    Attributes
    ----------
    encoded_s
        The encoded request began to be sent, or a connection for it to be opened.
    sent_s
        The last byte of the request was handed to the operating system.
    headers_s, body_s
        The response headers, and the last byte of the response, arrived: as Linux notes it for plain TCP connections;
        elsewhere, when the thread that waited for them resumed.
    """

    encoded_s: float
    sent_s: float
    headers_s: float
    body_s: float


@dataclass(frozen=True, slots=True, eq=False)
class RerankResponse:
    """The scores of one request and what the backend reported about the call.

    Attributes
    ----------
    scores
        ``(n,)`` float64, in the order of the request's documents.
    order
        ``(m,)`` document indices in the order of the backend's list; None if it returns no list. A document that is
        not in it has no score of its own.
    usage
        Usage that the backend billed.
    server_times
        Processing times that the backend reported.
    model
        Model that the backend reported; None if it reported none.
    http_status, conn_reused
        Status of the response, and whether the connection was reused; None for an in-process backend.
    missing
        Number of documents that the backend did not score and that its rule placed last.
    pause_s
        Seconds until the rate limit that this call used up is renewed; None if no limit is used up.
    timeline
        Times of the HTTP request; None for an in-process backend.
    truncated
        ``(n,)`` whether the model truncated the query-document pair; None if unknown.
    ignored
        Number of documents that a replayed run ranks for the query and that are not in the request.
    unusable
        Amounts in the reply that cannot be used, so that they are unknown: field -> value, for messages.
    harness_delay_s
        How much longer this process made the times of the request: 0 where none of its waits lies in them, None where
        one may.
    raw
        What a judge answered, as text; empty for a reranker.
    asked
        How a judge was asked where that is decided for each call: it belongs to the rater's settings. Empty for a
        reranker.
    """

    scores: NDArray[np.float64]
    order: NDArray[np.int64] | None = None
    usage: Usage = Usage()
    server_times: tuple[ServerTime, ...] = ()
    model: str | None = None
    http_status: int | None = None
    conn_reused: bool | None = None
    missing: int = 0
    pause_s: float | None = None
    timeline: Timeline | None = None
    truncated: NDArray[np.bool_] | None = None
    ignored: int = 0
    unusable: Mapping[str, str] = field(default_factory=dict)
    harness_delay_s: float | None = None
    raw: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def server_s(self) -> float | None:
        """Processing time of the whole request in seconds, as the backend reported it; None if it did not."""
        return next((time.seconds for time in self.server_times if time.meaning == "request"), None)

    @property
    def list_is_sorted(self) -> bool | None:
        """Whether the backend's list is in descending order of score; None if there is no list."""
        if self.order is None:
            return None
        ordered = self.scores[self.order]
        return bool((ordered[1:] <= ordered[:-1]).all())
