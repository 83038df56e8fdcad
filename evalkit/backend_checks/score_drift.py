"""Whether scores that were stored would still be given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from evalkit.backend_checks.pointwise import NOISE_FACTOR, TOLERANCE
from evalkit.records import RerankRequest
from evalkit.stats import standard_deviation_within

SAMPLED_QUERIES = 6
"""Queries asked again for each reranker and dataset."""
CALLS = 2
"""Calls for each of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A request whose scores are stored.

    Attributes
    ----------
    scores
        ``(n,)`` in the order of its documents.
    oldest_s
        When the first of them was stored, in seconds since 1970.
    """

    request: RerankRequest
    scores: NDArray[np.float64]
    oldest_s: float


@dataclass(frozen=True, slots=True)
class DriftCheck:
    """How far fresh scores are from stored ones.

    Attributes
    ----------
    reranker, dataset
        What was checked.
    queries, pairs
        Compared.
    equal
        Pairs whose fresh score is the stored one, bit for bit.
    moved
        Largest absolute difference of a pair's fresh and stored score; None where none was compared.
    again
        Largest difference of two fresh scores of a pair.
    spread
        Standard deviation of the stored scores within a query.
    moved_times_s
        When the oldest and the newest query that moved beyond tolerance were stored; None where none did.
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

    @property
    def verdict(self) -> str:
        """Return ``holds``, ``drifted``, ``unstable`` (asked twice, it answers twice) or ``not testable``."""
        if self.moved == self.again == 0:
            return "holds"
        if self.moved is None or self.again is None or self.spread is None:
            return "not testable"
        if self.again > TOLERANCE * self.spread:
            return "unstable"
        return "drifted" if _beyond(self.moved, self.again, self.spread) else "holds"

    def evidence(self) -> str:
        """Return the figures in a sentence."""
        if self.moved is None or self.again is None:
            return "no stored scores to compare"
        spread = "" if self.spread is None else f"; scores spread by {self.spread:.2g}"
        said = (
            f"{self.equal} of {self.pairs} pairs of {self.queries} queries are the same bit for bit; stored and fresh"
            f" scores differ by at most {self.moved:.2g}, two fresh ones by {self.again:.2g}{spread}"
        )
        if self.verdict == "drifted" and self.moved_times_s is not None:
            first, last = (datetime.fromtimestamp(s, UTC).date().isoformat() for s in self.moved_times_s)
            said += f"; what moved was stored {f'on {first}' if first == last else f'from {first} to {last}'}"
        return said


def check_drift(
    reranker: str,
    dataset: str,
    stored: Sequence[Stored],
    ask: Callable[[RerankRequest], NDArray[np.float64]],
) -> DriftCheck:
    """Send each request twice and compare with what is stored.

    Parameters
    ----------
    reranker, dataset
        Named in the result.
    stored
        The sample; see `sample`.
    ask
        Makes one call and returns ``(n,)`` scores in the order of the request.
    """
    pairs_asked = [(ask(one.request), ask(one.request)) for one in stored]
    moved = [float(np.abs(a - one.scores).max()) for one, (a, _) in zip(stored, pairs_asked, strict=True)]
    again = max((float(np.abs(a - b).max()) for a, b in pairs_asked), default=None)
    spread = standard_deviation_within([one.scores for one in stored])
    times = [
        one.oldest_s
        for one, distance in zip(stored, moved, strict=True)
        if again is not None and spread is not None and _beyond(distance, again, spread)
    ]
    return DriftCheck(
        reranker,
        dataset,
        queries=len(stored),
        pairs=sum(len(one.scores) for one in stored),
        equal=sum(int((a == one.scores).sum()) for one, (a, _) in zip(stored, pairs_asked, strict=True)),
        moved=max(moved, default=None),
        again=again,
        spread=spread,
        moved_times_s=(min(times), max(times)) if times else None,
    )


def sample(stored: Sequence[Stored]) -> list[Stored]:
    """Return some requests, evenly from the oldest to the newest: a backend may have changed in between."""
    by_age = sorted(stored, key=lambda one: (one.oldest_s, one.request.query_id))
    places = np.linspace(0, len(by_age) - 1, min(SAMPLED_QUERIES, len(by_age)))
    return [by_age[int(place)] for place in np.round(places)]


def _beyond(moved: float, again: float, spread: float) -> bool:
    return moved > TOLERANCE * spread and moved > NOISE_FACTOR * again
