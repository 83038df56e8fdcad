"""The interfaces of rerankers, and functions that open one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from evalkit import registry
from evalkit.config import RerankerSettings, reranker_settings
from evalkit.records import RerankRequest, RerankResponse, ScoreKind
from evalkit.rerankers.embedding_cache import Embedded


class Reranker(Protocol):
    """Scores the documents of one request. Called from several threads when concurrency > 1.

    Attributes
    ----------
    pointwise
        Whether a pair's score is independent of the other documents in the request. Only then
        may one query be split over calls, and a depth-100 pass be cut to depth 50.
    score_kind
        What the scores mean.
    """

    @property
    def pointwise(self) -> bool: ...  # noqa: D102 - described above

    @property
    def score_kind(self) -> ScoreKind: ...  # noqa: D102 - described above

    def score(self, request: RerankRequest) -> RerankResponse:
        """Return one score per document, in the order of the request.

        Raises
        ------
        CallError
            If a document has no score. A failure is never reported as a score.
        """
        ...

    def close(self) -> None:
        """Release connections and models."""
        ...


IN_QUERY = "the text of the query"
"""The place of an instruction for a reranker that has no other."""


@runtime_checkable
class Instructable(Protocol):
    """A reranker that reads the instructions of requests itself.

    Attributes
    ----------
    instruction_place
        Where the instruction of a query is put, in words for the manifest.
    """

    @property
    def instruction_place(self) -> str: ...  # noqa: D102 - described above


def readable(reranker: Reranker, request: RerankRequest) -> RerankRequest:
    """Return a request as a reranker can read it: one that reads no instructions gets them in the query's text."""
    if not request.instruction or isinstance(reranker, Instructable):
        return request
    return replace(request, query=request.instructed_query, instruction="")


def highest_grade(reranker: Reranker) -> int | None:
    """Return the highest grade of a reranker whose scores are grades from 0 on; None for other scores."""
    grade: int | None = getattr(reranker, "highest_grade", None)
    return grade


def instruction_place(reranker: Reranker) -> str:
    """Return where the instruction of a query is put, in words."""
    return reranker.instruction_place if isinstance(reranker, Instructable) else IN_QUERY


Role = Literal["query", "document"]


@dataclass(frozen=True, slots=True)
class Portion:
    """Texts to embed together."""

    role: Role
    texts: tuple[str, ...]


@runtime_checkable
class Preparable(Protocol):
    """A pooled reranker that embeds single texts: each distinct text is embedded once, before the quality pass.

    Arguments and results can be pickled, because another process may embed.
    """

    def portions(self, requests: Iterable[RerankRequest]) -> Iterator[Portion]:
        """Yield the distinct texts of the requests that are not cached, in portions."""
        ...

    def embed(self, portion: Portion) -> list[Embedded]:
        """Return the embedded texts of a portion."""
        ...

    def keep(self, portion: Portion, embedded: Sequence[Embedded]) -> None:
        """Cache the embedded texts of a portion."""
        ...

    def forget(self) -> None:
        """Empty the cache: later calls embed all their texts."""
        ...


@runtime_checkable
class Pooled(Protocol):
    """A reranker that scores many requests together; one that is pointwise does so faster than one by one.

    Attributes
    ----------
    pool_pairs
        Recommended number of pairs to score together.
    """

    pool_pairs: int

    def score_many(self, requests: Sequence[RerankRequest]) -> list[RerankResponse]:
        """Return what `score` returns, for every request in order.

        Raises
        ------
        CallError
            If any request cannot be scored; the others may succeed if scored one by one.
        """
        ...


@runtime_checkable
class Measuring(Protocol):
    """A local reranker that counts the tokens of pairs without scoring them."""

    def measure(self, pairs: Sequence[tuple[str, str]]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return ``(n,)`` tokens that the model would read per pair, and whether the pair would be truncated."""
        ...


@runtime_checkable
class Described(Protocol):
    """A reranker that reports its device, threads and length limits."""

    def facts(self) -> dict[str, Any]:
        """Return these facts for the manifest."""
        ...


def open_reranker(settings: RerankerSettings) -> Reranker:
    """Return the reranker that validated settings describe.

    Raises
    ------
    MissingExtraError
        If it needs packages that are not installed.
    """
    backend = registry.lookup("reranker backend", settings.backend)
    return backend(settings)  # type: ignore[no-any-return]


def load_reranker(backend: str, **settings: Any) -> Reranker:
    """Return a reranker built from keyword settings with the names used in a configuration.

    >>> reranker = load_reranker("lexical")
    >>> reranker.pointwise
    True
    """
    return open_reranker(reranker_settings({"backend": backend, **settings}))
