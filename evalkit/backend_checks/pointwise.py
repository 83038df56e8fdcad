"""Check that a pair's score does not depend on the order and size of its list, and is repeatable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.records import RerankRequest
from evalkit.stats import standard_deviation_within

TOLERANCE = 0.05
"""Tolerated change of a pair's score, as a share of the scores' standard deviation within a query.

Larger than rounding, and too small to matter."""
NOISE_FACTOR = 3.0
"""A change counts only if it is larger than this many times the change between two identical requests."""
SAMPLED_QUERIES = 3
SAMPLED_DOCUMENTS = 20
CALLS = 4
"""Calls per sampled query."""

Scorer = Callable[[RerankRequest], NDArray[np.float64] | None]
"""Sends a request; returns ``(n,)`` scores in the order of its documents, or None if the call failed."""


@dataclass(frozen=True, slots=True)
class PointwiseCheck:
    """How far a pair's score changes if only the other documents of the request change.

    Attributes
    ----------
    reranker, dataset
        What was checked.
    queries, pairs
        Number of queries and pairs compared, without failed calls.
    spread
        Standard deviation of the scores within a query.
    again, order, batch
        Largest absolute change of a pair's score: in an identical request, with the list reversed,
        with half of the list. None if nothing could be compared.
    """

    reranker: str
    dataset: str
    queries: int
    pairs: int
    spread: float | None
    again: float | None
    order: float | None
    batch: float | None

    @property
    def drift(self) -> float | None:
        """The largest change with another list; None if nothing could be compared."""
        return max((d for d in (self.order, self.batch) if d is not None), default=None)

    @property
    def verdict(self) -> str:
        """``kept``, ``broken``, ``unstable`` (identical requests get different scores) or ``not testable``."""
        if self.drift is None or self.again is None or not self.spread:
            return "not testable"
        if self.again > TOLERANCE * self.spread:
            return "unstable"
        moved = self.drift > TOLERANCE * self.spread and self.drift > NOISE_FACTOR * self.again
        return "broken" if moved else "kept"

    def evidence(self) -> str:
        """Return a sentence with the measurements."""
        if self.drift is None or self.again is None or self.spread is None:
            return "no pair was scored twice"
        order, batch = ("-" if d is None else f"{d:.2g}" for d in (self.order, self.batch))
        return (
            f"largest score change of {self.pairs} pairs of {self.queries} queries: {self.again:.2g}"
            f" in a repeated call, {order} in reverse order, {batch} in half the list (standard"
            f" deviation of the scores: {self.spread:.2g})"
        )


def check_pointwise(
    reranker: str, dataset: str, requests: Sequence[RerankRequest], score: Scorer
) -> PointwiseCheck:
    """Send each request twice, once reversed, and its second half alone; return how far scores change.

    Parameters
    ----------
    reranker, dataset
        Names for the result.
    requests
        Requests with at least two documents, and as many as the backend accepts in one call.
    score
        Makes one call.
    """
    drifts: dict[str, list[float]] = {"again": [], "order": [], "batch": []}
    lists: list[NDArray[np.float64]] = []
    for request in requests:
        original = score(request)
        if original is None:
            continue
        lists.append(original)
        for name, varied, rows in _variations(request):
            scores = score(varied)
            if scores is not None:
                drifts[name].append(float(np.abs(scores - original[rows]).max()))
    return PointwiseCheck(
        reranker,
        dataset,
        queries=len(lists),
        pairs=sum(map(len, lists)),
        spread=standard_deviation_within(lists),
        again=max(drifts["again"], default=None),
        order=max(drifts["order"], default=None),
        batch=max(drifts["batch"], default=None),
    )


def _variations(request: RerankRequest) -> Iterator[tuple[str, RerankRequest, NDArray[np.int64]]]:
    """Yield the name of each variation, its request, and the rows of the original request that it contains."""
    rows = np.arange(len(request.documents))
    yield "again", request, rows
    for name, part in (("order", rows[::-1]), ("batch", rows[len(rows) // 2 :])):
        documents = tuple(request.documents[i] for i in part)
        yield (
            name,
            replace(request, documents=documents, doc_ids=tuple(request.doc_ids[i] for i in part)),
            part,
        )
