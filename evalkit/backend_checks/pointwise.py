"""Check that a pair's score does not depend on the order and size of its list, and is repeatable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.backend_checks.score_scale import is_beyond, list_spread, rounding_of, tolerance_of
from evalkit.records import RerankRequest

SAMPLED_QUERIES = 3
SAMPLED_DOCUMENTS = 20
CALLS = 4
"""Calls per sampled query where every list is sent."""
FURTHER_CALLS = 3
"""Calls per sampled query that follow where the first other list moved a score."""

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
        Standard deviation of the scores within a query; 0 if they are equal within rounding.
    again, order, batch
        Largest absolute change of a pair's score: in an identical request, with the list reversed,
        with half of the list. None if nothing could be compared, or nothing had to be.
    rounding
        Size up to which differences between these scores are rounding; 0 in results of former versions.
    """

    reranker: str
    dataset: str
    queries: int
    pairs: int
    spread: float | None
    again: float | None
    order: float | None
    batch: float | None
    rounding: float = 0.0

    @property
    def drift(self) -> float | None:
        """The largest change with another list; None if nothing could be compared."""
        return max((d for d in (self.order, self.batch) if d is not None), default=None)

    @property
    def tolerance(self) -> float:
        """Largest change that does not matter."""
        return tolerance_of(self.spread, self.rounding)

    @property
    def is_brief(self) -> bool:
        """Whether only one other list of each query was sent; see `check_pointwise_briefly`."""
        return self.again is None and self.order is None

    @property
    def verdict(self) -> str:
        """``kept``, ``broken``, ``unstable`` (identical requests get different scores) or ``not testable``."""
        if self.drift is None or self.spread is None:
            return "not testable"
        # Equal scores that stay as they are may be those of a model that scores nothing.
        as_promised = "kept" if self.spread else "not testable"
        if self.again is None:  # noise is not measured where the first other list moved nothing
            return as_promised if self.is_brief and self.drift <= self.tolerance else "not testable"
        if self.again > self.tolerance:
            return "unstable"
        return "broken" if is_beyond(self.drift, self.again, self.tolerance) else as_promised

    def evidence(self) -> str:
        """Return a sentence with the measurements."""
        if self.drift is None or self.spread is None:
            return "no pair was scored twice"
        again, order, batch = ("-" if d is None else f"{d:.2g}" for d in (self.again, self.order, self.batch))
        parts = f"{again} in a repeated call, {order} in reverse order, {batch} in half the list"
        if self.is_brief:
            parts = f"{batch} in the second half of the list in reverse order"
        return (
            f"largest score change of {self.pairs} pairs of {self.queries} queries: {parts} (standard"
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
    measured = _Measured()
    for request in requests:
        original = score(request)
        if original is not None:
            measured.lists.append(original)
            measured.compare(original, _variations(request), score)
    return measured.check(reranker, dataset)


def check_pointwise_briefly(
    reranker: str, dataset: str, requests: Sequence[RerankRequest], score: Scorer
) -> PointwiseCheck:
    """Do what `check_pointwise` does, with one other list per request unless that list moves a score.

    The second half of each list is sent in reverse order: a score that depends on the place, on the first documents or
    on the number of documents moves. The other lists are sent only if a score moves; they show why.

    Parameters
    ----------
    reranker, dataset, requests, score
        See `check_pointwise`. Each request is sent once as it is, before all others.
    """
    measured = _Measured()
    scored = [(request, original) for request in requests if (original := score(request)) is not None]
    measured.lists += (original for _, original in scored)
    for request, original in scored:
        measured.compare(original, [_second_half_reversed(request)], score)
    for request, original in scored if measured.has_moved else ():
        measured.compare(original, _variations(request), score)
    return measured.check(reranker, dataset)


def second_half(request: RerankRequest) -> RerankRequest:
    """Return the request for the second half of a list in reverse order."""
    return _second_half_reversed(request)[1]


_Variation = tuple[str, RerankRequest, NDArray[np.int64]]


@dataclass(slots=True)
class _Measured:
    """The scores of the original lists, and the largest change of each comparison by its name."""

    lists: list[NDArray[np.float64]] = field(default_factory=list)
    drifts: dict[str, float] = field(default_factory=dict)

    def compare(
        self,
        original: NDArray[np.float64],
        variations: Iterable[_Variation],
        score: Scorer,
    ) -> None:
        """Send variations of a request and compare their scores with the `original` ones."""
        for name, varied, rows in variations:
            scores = score(varied)
            if scores is not None:
                change = float(np.abs(scores - original[rows]).max())
                self.drifts[name] = max(change, self.drifts.get(name, 0.0))

    @property
    def has_moved(self) -> bool:
        """Whether a score changed by more than what is tolerated."""
        spread = list_spread(self.lists)
        tolerance = tolerance_of(spread, rounding_of(*self.lists))
        return spread is not None and max(self.drifts.values(), default=0.0) > tolerance

    def check(self, reranker: str, dataset: str) -> PointwiseCheck:
        """Return what was measured."""
        return PointwiseCheck(
            reranker,
            dataset,
            queries=len(self.lists),
            pairs=sum(map(len, self.lists)),
            spread=list_spread(self.lists),
            again=self.drifts.get("again"),
            order=self.drifts.get("order"),
            batch=self.drifts.get("batch"),
            rounding=rounding_of(*self.lists),
        )


def _variations(request: RerankRequest) -> Iterator[_Variation]:
    """Yield the name of each variation, its request, and the rows of the original request that it contains."""
    rows = np.arange(len(request.documents))
    yield "again", request, rows
    for name, part in (("order", rows[::-1]), ("batch", rows[len(rows) // 2 :])):
        yield name, _part(request, part), part


def _second_half_reversed(request: RerankRequest) -> _Variation:
    """Return the variation that changes the number, the order and the first documents of a list."""
    rows = np.arange(len(request.documents))[len(request.documents) // 2 :][::-1]
    return "batch", _part(request, rows), rows


def _part(request: RerankRequest, rows: NDArray[np.int64]) -> RerankRequest:
    """Return a request for some documents of a request, in this order."""
    documents = tuple(request.documents[i] for i in rows)
    return replace(request, documents=documents, doc_ids=tuple(request.doc_ids[i] for i in rows))
