"""Check whether a backend still returns the stored scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from evalkit.backend_checks.score_scale import is_beyond, list_spread, rounding_of, tolerance_of
from evalkit.records import RerankRequest

SAMPLED_QUERIES = 6
"""Queries scored again per reranker and dataset."""
CALLS = 2
"""Calls per query."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredRequest:
    """A request with its stored scores.

    Attributes
    ----------
    request
        The request.
    scores
        ``(n,)`` stored scores, in the order of its documents.
    oldest_s
        When the oldest of these scores was stored, in seconds since 1970.
    """

    request: RerankRequest
    scores: NDArray[np.float64]
    oldest_s: float


@dataclass(frozen=True, slots=True)
class DriftCheck:
    """How far new scores differ from stored ones.

    Attributes
    ----------
    reranker, dataset
        What was checked.
    queries, pairs
        Number of queries and pairs compared.
    equal
        Number of pairs whose new score equals the stored one exactly.
    moved
        Largest absolute difference of a pair's new and stored score; None if nothing was compared.
    again
        Largest absolute difference of a pair's scores in two identical requests.
    spread
        Standard deviation of the stored scores within a query; 0 if they are equal within rounding.
    moved_times_s
        Earliest and latest storage time of the queries whose scores differ beyond tolerance; None if there are none.
    rounding
        Size up to which differences between these scores are rounding; 0 in results of former versions.
    """

    reranker: str
    dataset: str
    queries: int
    pairs: int
    equal: int
    moved: float | None
    again: float | None
    spread: float | None
    moved_times_s: tuple[float, float] | None
    rounding: float = 0.0

    @property
    def verdict(self) -> str:
        """``holds``, ``drifted``, ``unstable`` (identical requests get different scores) or ``not testable``."""
        if self.moved is None or self.again is None:
            return "not testable"
        if max(self.moved, self.again) <= self.rounding:
            return "holds"
        if self.spread is None:
            return "not testable"
        tolerance = tolerance_of(self.spread, self.rounding)
        if self.again > tolerance:
            return "unstable"
        return "drifted" if is_beyond(self.moved, self.again, tolerance) else "holds"

    def evidence(self) -> str:
        """Return a sentence with the measurements."""
        if self.moved is None or self.again is None:
            return "no stored scores to compare"
        spread = "" if self.spread is None else f"; standard deviation of the scores {self.spread:.2g}"
        sentence = (
            f"{self.equal} of {self.pairs} pairs of {self.queries} queries are bitwise equal; largest"
            f" difference between stored and new scores {self.moved:.2g}, between two new scores"
            f" {self.again:.2g}{spread}"
        )
        if self.verdict == "drifted" and self.moved_times_s is not None:
            first, last = (datetime.fromtimestamp(s, UTC).date().isoformat() for s in self.moved_times_s)
            sentence += (
                "; the changed scores were stored"
                f" {f'on {first}' if first == last else f'from {first} to {last}'}"
            )
        return sentence


def check_drift(
    reranker: str,
    dataset: str,
    stored: Sequence[StoredRequest],
    score: Callable[[RerankRequest], NDArray[np.float64]],
) -> DriftCheck:
    """Send each request twice and compare the scores with the stored ones.

    Parameters
    ----------
    reranker, dataset
        Names for the result.
    stored
        The sample; see `sample`.
    score
        Makes one call and returns ``(n,)`` scores in the order of the request.
    """
    fresh = [(score(one.request), score(one.request)) for one in stored]
    moved = [float(np.abs(a - one.scores).max()) for one, (a, _) in zip(stored, fresh, strict=True)]
    again = max((float(np.abs(a - b).max()) for a, b in fresh), default=None)
    lists = [one.scores for one in stored]
    spread, rounding = list_spread(lists), rounding_of(*lists)
    tolerance = tolerance_of(spread, rounding)
    times = [
        one.oldest_s
        for one, distance in zip(stored, moved, strict=True)
        if again is not None and spread is not None and is_beyond(distance, again, tolerance)
    ]
    return DriftCheck(
        reranker,
        dataset,
        queries=len({one.request.query_id for one in stored}),
        pairs=sum(len(one.scores) for one in stored),
        equal=sum(int((a == one.scores).sum()) for one, (a, _) in zip(stored, fresh, strict=True)),
        moved=max(moved, default=None),
        again=again,
        spread=spread,
        moved_times_s=(min(times), max(times)) if times else None,
        rounding=rounding,
    )


def sample(stored: Sequence[StoredRequest]) -> list[StoredRequest]:
    """Return a sample of requests, spread evenly by age, because a backend may have changed at any time."""
    by_age = sorted(stored, key=lambda one: (one.oldest_s, one.request.query_id))
    places = np.linspace(0, len(by_age) - 1, min(SAMPLED_QUERIES, len(by_age)))
    return [by_age[int(place)] for place in np.round(places)]
