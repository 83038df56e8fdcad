"""Requests, replies and errors, independent of any dialect's names."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.records import ServerTime, Usage

ANY_MODEL = "any"
"""The model of a request that names none: its dialect has no model, or its sender leaves it out or accepts any."""


@dataclass(frozen=True, slots=True)
class RelevanceQuestion:
    """A question of a decision API for the relevance of one document.

    Attributes
    ----------
    name
        Its name; None if it has none.
    document
        Index of the document.
    levels
        The two levels of a score question as the client named them, not relevant and relevant; None for yes/no.
    """

    name: str | None
    document: int
    levels: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A rerank request.

    Attributes
    ----------
    model
        `ANY_MODEL` if the request names none.
    query
        The query; that of the first document if there are several queries.
    documents
        The text of each document to score.
    top_n
        Maximum number of results; None for all.
    return_documents
        Whether the reply contains the documents.
    originals
        ``(n,)`` the documents as the client sent them, e.g. objects with further keys; None if all are strings, so that
        `documents` holds them.
    queries
        ``(n,)`` the query of each document if a request has several; None if all documents have `query`.
    instruction
        What is sent where the API has a field for the instruction of a query; empty for nothing.
    questions
        The questions of a request of a decision API, in their order; empty for a rerank request.
    """

    model: str
    query: str
    documents: tuple[str, ...]
    top_n: int | None = None
    return_documents: bool = False
    originals: tuple[Any, ...] | None = field(default=None, compare=False)
    queries: tuple[str, ...] | None = None
    instruction: str = ""
    questions: tuple[RelevanceQuestion, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class WireReply:
    """The content of a reply.

    Attributes
    ----------
    scores
        ``(n,)`` float64, in the order of the documents sent.
    order
        ``(n,)`` the documents' indices in the order of the reply's list.
    usage, server_times
        What the server reports as billed, and the times it reports.
    model
        None if the reply names none.
    unusable
        What stands in the reply as an amount but is none: field -> value.
    """

    scores: NDArray[np.float64]
    order: NDArray[np.int64]
    usage: Usage
    server_times: tuple[ServerTime, ...]
    model: str | None
    unusable: Mapping[str, str] = field(default_factory=dict)


class WireError(Exception):
    """An error with which the server rejects a request; its dialect determines the body.

    Parameters
    ----------
    status
        HTTP status.
    code, message
        Stable identifier, and a sentence for people.
    param
        The request key that is wrong; None if no single key is.
    retry_after_s
        Seconds after which a retry may succeed; None if unknown.

    Attributes
    ----------
    request_id
        The ID of the rejected request, as in the header ``X-Request-ID``.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s
        self.request_id = uuid.uuid4().hex
