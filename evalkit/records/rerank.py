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
    """

    query_id: str
    query: str
    documents: tuple[str, ...]
    doc_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RerankResponse:
    """The scores of one request, in the order of its documents, and what the backend said of the call.

    Attributes
    ----------
    scores
        ``(n,)`` float64.
    tokens
        Tokens the backend says it processed; None where it says nothing.
    server_s
        Seconds the backend says it worked on the request; None where it says nothing.
    model
        The model the backend says it used; None where it says nothing.
    http_status, conn_reused
        Of the transport; None for a backend in this process.
    missing
        Documents the backend had no score for and placed last by its own rule.
    """

    scores: NDArray[np.float64]
    tokens: int | None = None
    server_s: float | None = None
    model: str | None = None
    http_status: int | None = None
    conn_reused: bool | None = None
    missing: int = 0
