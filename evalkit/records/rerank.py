"""One call to a reranker: what is asked, what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ScoreKind = Literal["logit", "probability", "cosine", "unbounded", "unknown"]
"""What a score means. Only scores of one kind may be mapped or compared across systems."""


@dataclass(frozen=True, slots=True)
class RerankRequest:
    """One query with the documents to score.

    Attributes
    ----------
    query_id
        Names the query in errors and logs; never sent to a backend.
    query
        The query's text.
    documents
        ``(n,)`` texts.
    doc_ids
        ``(n,)`` their ids, for backends that look scores up instead of computing them.
    call_id
        Names the call over all its attempts, for APIs that then bill it once; empty for none.
    """

    query_id: str
    query: str
    documents: tuple[str, ...]
    doc_ids: tuple[str, ...]
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a backend says it billed or processed; None where it says nothing.

    Attributes
    ----------
    tokens
        Tokens of the queries and documents.
    units
        Search or rerank units, as the API defines them.
    billed_bytes, characters
        For APIs that count those.
    cost_usd
        The price the API itself reports.
    output_tokens
        Those of `tokens` that a model wrote.
    """

    tokens: int | None = None
    units: float | None = None
    billed_bytes: int | None = None
    characters: int | None = None
    cost_usd: float | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ServerTime:
    """A time that a server tells of its own work.

    Attributes
    ----------
    name
        Header or key it was told in.
    seconds
        The time.
    meaning
        ``request`` where it is of the whole request; otherwise what it is of, in words. A mean
        per pair, for one, is no request time, however alike the names are.
    """

    name: str
    seconds: float
    meaning: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """When a request passed the stations on its way, in seconds of `time.perf_counter`.

    Attributes
    ----------
    encoded_s
        Its body was ready to be sent.
    sent_s
        Its last byte was handed to the system.
    headers_s, body_s
        The reply's headers, and its last byte, were there.
    """

    encoded_s: float
    sent_s: float
    headers_s: float
    body_s: float


@dataclass(frozen=True, slots=True, eq=False)
class RerankResponse:
    """The scores of one request, in the order of its documents, and what the backend said of the call.

    Attributes
    ----------
    scores
        ``(n,)`` float64.
    order
        ``(n,)`` document indices in the order of the backend's own list; None where it gives none.
    usage
        What the backend says it billed.
    server_times
        How long the backend says it worked.
    model
        The model the backend says it used; None where it says nothing.
    http_status, conn_reused
        Of the transport; None for a backend in this process.
    missing
        Documents the backend had no score for and placed last by its own rule.
    pause_s
        Seconds until a limit that this call used up is renewed; None where none is.
    timeline
        Of the request on its way; None for a backend in this process.
    truncated
        ``(n,)`` whether the model read less than the whole pair; None where nobody knows.
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

    @property
    def server_s(self) -> float | None:
        """Seconds the backend says the whole request took it; None where it does not say."""
        return next((time.seconds for time in self.server_times if time.meaning == "request"), None)

    @property
    def list_is_sorted(self) -> bool | None:
        """Whether the backend's list came best first; None where there is no list."""
        if self.order is None:
            return None
        return bool((np.diff(self.scores[self.order]) <= 0).all())
