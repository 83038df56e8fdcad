"""What a reranker is, and how one is opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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
        Whether a pair's score does not depend on the other documents of the call. Only then
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
            If there is no score for every document. A failure is never a score.
        """
        ...

    def close(self) -> None:
        """Release connections and models."""
        ...


Role = Literal["query", "document"]


@dataclass(frozen=True, slots=True)
class Portion:
    """Texts that are embedded together."""

    role: Role
    texts: tuple[str, ...]


@runtime_checkable
class Preparable(Protocol):
    """A pooled reranker whose heavy work is on single texts: done once for each, ahead of the quality pass.

    Whatever moves between these can be pickled: another process may embed.
    """

    def portions(self, requests: Iterable[RerankRequest]) -> Iterator[Portion]:
        """Yield the work that these requests take, a text that stands in many of them once."""
        ...

    def embed(self, portion: Portion) -> list[Embedded]:
        """Do one portion of it."""
        ...

    def keep(self, portion: Portion, embedded: Sequence[Embedded]) -> None:
        """Keep what became of a portion: it is not done again."""
        ...

    def forget(self) -> None:
        """Drop what was kept: from here on every call does all its work."""
        ...


@runtime_checkable
class Pooled(Protocol):
    """A pointwise reranker that scores the pairs of many requests faster together than one after the other.

    Attributes
    ----------
    pool_pairs
        Pairs that are enough for that.
    """

    pool_pairs: int

    def score_many(self, requests: Sequence[RerankRequest]) -> list[RerankResponse]:
        """Return what `score` would, for every request in turn.

        Raises
        ------
        CallError
            If any of them cannot be scored; the others may be, by themselves.
        """
        ...


@runtime_checkable
class Measuring(Protocol):
    """A local reranker that tells what it would read of a pair, without scoring it."""

    def measure(self, pairs: Sequence[tuple[str, str]]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return ``(n,)`` the tokens of each pair that it would read, and whether it would cut any off."""
        ...


@runtime_checkable
class Described(Protocol):
    """A reranker that knows what it runs on: device, threads, lengths."""

    def facts(self) -> dict[str, Any]:
        """Return facts for the manifest."""
        ...


def open_reranker(settings: RerankerSettings) -> Reranker:
    """Build the reranker that checked settings describe.

    Raises
    ------
    MissingExtraError
        If it needs packages that are not installed.
    """
    backend = registry.lookup("reranker backend", settings.backend)
    return backend(settings)  # type: ignore[no-any-return]


def load_reranker(backend: str, **settings: Any) -> Reranker:
    """Build a reranker from keyword settings, as they would stand in a configuration.

    >>> reranker = load_reranker("lexical")
    >>> reranker.pointwise
    True
    """
    return open_reranker(reranker_settings({"backend": backend, **settings}))
