"""Requests, replies and errors, independent of any dialect's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evalkit.records import ServerTime, Usage

ANY_MODEL = "any"
"""The model of a request if its dialect has no model, or its sender accepts any."""


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A rerank request."""

    model: str
    query: str
    documents: tuple[str, ...]
    top_n: int | None = None
    return_documents: bool = False


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
