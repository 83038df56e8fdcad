"""Whether a pair keeps its score in another order, in another batch, and when asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.records import RerankRequest
from evalkit.stats import standard_deviation_within

TOLERANCE = 0.05
"""Share of the scores' own spread that a pair's score may move by: beyond rounding, below meaning."""
NOISE_FACTOR = 3.0
"""How much more than asking the same thing twice another list must move a score to be blamed."""
SAMPLED_QUERIES = 3
SAMPLED_DOCUMENTS = 20
CALLS = 4
"""Calls for each sampled query."""

Ask = Callable[[RerankRequest], NDArray[np.float64] | None]
"""Sends a request; returns ``(n,)`` scores in its order, or None where it failed."""


@dataclass(frozen=True, slots=True)
class PointwiseCheck:
    """How far scores move when only their company changes.

    Attributes
    ----------
    reranker, dataset
        What was checked.
    queries, pairs
        Compared; failed calls take no part.
    spread
        Standard deviation of the scores within a query.
    again, order, batch
        Largest absolute difference of a pair's two scores: asked again, with the list reversed,
        with half of the list. None where nothing could be compared.
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
        """Return the largest difference that another list made."""
        return max((d for d in (self.order, self.batch) if d is not None), default=None)

    @property
    def verdict(self) -> str:
        """Return ``kept``, ``broken``, ``unstable`` (asked twice, it answers twice) or ``not testable``."""
        if self.drift is None or self.again is None or not self.spread:
            return "not testable"
        if self.again > TOLERANCE * self.spread:
            return "unstable"
        moved = self.drift > TOLERANCE * self.spread and self.drift > NOISE_FACTOR * self.again
        return "broken" if moved else "kept"

    def evidence(self) -> str:
        """Return the figures in a sentence."""
        if self.drift is None or self.again is None or self.spread is None:
            return "no two scores of a pair to compare"
        order, batch = ("-" if d is None else f"{d:.2g}" for d in (self.order, self.batch))
        return (
            f"{self.pairs} pairs of {self.queries} queries moved by at most {self.again:.2g} asked again,"
            f" {order} in reverse order, {batch} in half the list; their scores spread by {self.spread:.2g}"
        )


def check_pointwise(
    reranker: str, dataset: str, requests: Sequence[RerankRequest], ask: Ask
) -> PointwiseCheck:
    """Send each request twice, once reversed and its second half alone, and compare.

    Parameters
    ----------
    reranker, dataset
        Named in the result.
    requests
        Each with two documents or more, the largest that the backend takes in one call.
    ask
        Makes one call.
    """
    drifts: dict[str, list[float]] = {"again": [], "order": [], "batch": []}
    lists: list[NDArray[np.float64]] = []
    for request in requests:
        first = ask(request)
        if first is None:
            continue
        lists.append(first)
        for name, other, rows in _variations(request):
            scores = ask(other)
            if scores is not None:
                drifts[name].append(float(np.abs(scores - first[rows]).max()))
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
    """Yield requests for the same pairs in other company, and the rows of the first that they hold."""
    rows = np.arange(len(request.documents))
    yield "again", request, rows
    for name, part in (("order", rows[::-1]), ("batch", rows[len(rows) // 2 :])):
        documents = tuple(request.documents[i] for i in part)
        yield (
            name,
            replace(request, documents=documents, doc_ids=tuple(request.doc_ids[i] for i in part)),
            part,
        )
