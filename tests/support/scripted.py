"""Rerankers that follow a script, and what is sent to them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evalkit.config import Price, Traffic
from evalkit.errors import RETRYABLE, CallError
from evalkit.records import RerankRequest, RerankResponse, ScoreKind, Usage
from evalkit.reranking import Batch, CallContext


class Scoring:
    """A reranker that does what a function says."""

    pointwise = True
    score_kind: ScoreKind = "unknown"

    def __init__(self, answer) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
        self._answer = answer

    def score(self, request: RerankRequest) -> RerankResponse:
        """Answer."""
        return RerankResponse(np.asarray(self._answer(request), dtype=np.float64))

    def close(self) -> None:
        """Do nothing."""


CONTEXT = CallContext("tiny", "r", "quality")


def priced(way: str, rate: float) -> Price:
    """Return a price."""
    return Price.model_validate_json(f'{{"as_of": "2026-11-22", "{way}": {rate}}}')


class Scripted:
    """A reranker that does what a function says."""

    score_kind: ScoreKind = "unknown"

    def __init__(self, answer: Callable[[RerankRequest], Usage], *, pointwise: bool = True) -> None:
        self._answer = answer
        self.pointwise = pointwise
        self.sizes: list[int] = []
        self.call_ids: list[str] = []

    def score(self, request: RerankRequest) -> RerankResponse:
        """Answer with the documents' lengths as scores."""
        self.sizes.append(len(request.documents))
        self.call_ids.append(request.call_id)
        usage = self._answer(request)
        return RerankResponse(np.array([float(len(d)) for d in request.documents]), usage=usage)

    def close(self) -> None:
        """Do nothing."""


def item(documents: int, query_id: str = "q") -> Batch:
    """Return a batch of documents of growing length."""
    texts = tuple("x" * (i + 1) for i in range(documents))
    request = RerankRequest(query_id, "query", texts, tuple(map(str, range(documents))))
    return Batch(request, tuple(range(1, documents + 1)))


def failing(times: int, failure: Callable[[], CallError]) -> Callable[[RerankRequest], Usage]:
    """Fail so often, then succeed."""
    left = iter(range(times))

    def answer(_request: RerankRequest) -> Usage:
        if next(left, None) is not None:
            raise failure()
        return Usage()

    return answer


def quick(retries: int = 3, **rules: object) -> Traffic:
    """Return rules under which nothing waits long."""
    return Traffic(retries=retries, retry_wait_s=0.001, **rules)  # type: ignore[arg-type]


def busy() -> CallError:
    """Return a failure that may pass."""
    return CallError("http", "busy", http_status=503, remedy=RETRYABLE)
