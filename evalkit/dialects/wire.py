"""What crosses the wire, whatever a dialect calls its parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.records import ServerTime, Usage

ANY_MODEL = "any"
"""The model of a request whose dialect names none, or whose sender does not care."""


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
    """What a reply says.

    Attributes
    ----------
    scores
        ``(n,)`` float64, in the order of the documents sent.
    order
        ``(n,)`` the documents' indices in the order of the reply's list.
    usage, server_times
        What the server says it billed, and how long it says it worked.
    model
        None where the reply names none.
    """

    scores: NDArray[np.float64]
    order: NDArray[np.int64]
    usage: Usage
    server_times: tuple[ServerTime, ...]
    model: str | None


class WireError(Exception):
    """A request that a server must refuse, in the words of its dialect.

    Parameters
    ----------
    status
        HTTP status.
    code, message
        Stable word and sentence.
    param
        The offending key, where there is one.
    retry_after_s
        Seconds after which the same request may be served, where that is known.
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
