"""What every dialect is, and the reading of result lists that most of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import CallError
from evalkit.records import ScoreKind


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A rerank request as it crosses the wire, whatever a dialect calls its parts."""

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
    tokens, model
        None where the reply does not say.
    """

    scores: NDArray[np.float64]
    tokens: int | None
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
    """

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param


class Dialect(ABC):
    """The wire format of one rerank API. Implementations hold no state and do no I/O."""

    path: ClassVar[str]
    """Path that the API serves, for our own server."""
    score_kind: ClassVar[ScoreKind]
    max_documents: ClassVar[int]

    @staticmethod
    @abstractmethod
    def headers(api_key: str | None) -> dict[str, str]:
        """Return the request headers that carry the key."""

    @staticmethod
    @abstractmethod
    def encode_request(request: WireRequest) -> dict[str, Any]:
        """Return the JSON body of a request (client)."""

    @staticmethod
    @abstractmethod
    def decode_response(body: Any, documents: int) -> WireReply:
        """Read the JSON body of a reply to a request with that many documents (client).

        Raises
        ------
        CallError
            Kind ``reply``, if there is not exactly one finite score for each document.
        """

    @staticmethod
    @abstractmethod
    def error_message(body: Any) -> str | None:
        """Return the sentence in an error body; None where there is none (client)."""

    @staticmethod
    @abstractmethod
    def server_seconds(headers: Mapping[str, str]) -> float | None:
        """Return the seconds the server says it worked; None where it says nothing (client)."""

    @staticmethod
    @abstractmethod
    def decode_request(body: Any) -> WireRequest:
        """Read the JSON body of a request (server).

        Raises
        ------
        WireError
            If the API would refuse it.
        """

    @staticmethod
    @abstractmethod
    def encode_response(request: WireRequest, scores: Sequence[float], tokens: int) -> dict[str, Any]:
        """Return the JSON body of a reply, documents by score descending then index (server)."""

    @staticmethod
    @abstractmethod
    def encode_error(error: WireError) -> dict[str, Any]:
        """Return the JSON body of a refusal (server)."""


def read_scores(
    results: Any, documents: int, *, index_key: str = "index", score_key: str = "relevance_score"
) -> NDArray[np.float64]:
    """Return the score of every document from a list of results.

    Parameters
    ----------
    results
        The list as parsed from JSON, in any order.
    documents
        How many documents were sent.
    index_key, score_key
        What the dialect calls them.

    Returns
    -------
    ``(documents,)`` scores.

    Raises
    ------
    CallError
        Kind ``reply``, if an entry is malformed, an index is out of range, repeated or missing,
        or a score is not a finite number.
    """
    if not isinstance(results, list):
        raise CallError("reply", "the reply holds no list of results")
    scores = np.full(documents, np.nan)
    for entry in results:
        index = entry.get(index_key) if isinstance(entry, dict) else None
        score = entry.get(score_key) if isinstance(entry, dict) else None
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < documents:
            raise CallError(
                "reply", f"a result has the {index_key} {index!r}; {documents} documents were sent"
            )
        if not isinstance(score, int | float) or isinstance(score, bool) or not np.isfinite(score):
            raise CallError("reply", f"document {index} has the {score_key} {score!r}, not a finite number")
        if not np.isnan(scores[index]):
            raise CallError("reply", f"document {index} is in the results twice")
        scores[index] = score
    missing = np.flatnonzero(np.isnan(scores))
    if len(missing):
        raise CallError(
            "reply",
            f"{len(missing)} of {documents} documents have no score, the first is document {missing[0]}",
        )
    return scores


def descending(scores: Sequence[float]) -> list[int]:
    """Return document indices by score descending, equal scores by index."""
    return sorted(range(len(scores)), key=lambda index: (-scores[index], index))
