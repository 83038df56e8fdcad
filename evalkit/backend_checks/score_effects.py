"""By how much the scores of a reranker change with the list and with the wording, with intervals over queries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evalkit.backend_checks.check_calls import CheckResult, Verdict
from evalkit.backend_checks.list_variations import (
    AGAIN,
    COPIED,
    COPY,
    ORDERS,
    ORIGINAL,
    UNRELATED,
    ListSample,
    Variation,
)
from evalkit.backend_checks.pointwise import Scorer
from evalkit.backend_checks.score_scale import TOLERANCE, list_spread
from evalkit.stats import Interval, mean_interval

PLACE = "the place in the list does not move a score"
NEIGHBOUR = "an unrelated document does not move the scores of the others"
COPY_ITSELF = "a copy of a document does not move its score"
COPY_OTHERS = "a copy of a document does not move the scores of the others"
REWORDED = "reworded"

_Scores = NDArray[np.float64]


@dataclass(slots=True, eq=False)
class QueryScores:
    """What was scored for one query.

    Attributes
    ----------
    sample
        Its list.
    variations
        Name -> the list that was sent.
    scores
        Name -> ``(n,)`` scores of the documents of the original list, in its order, or ranks where scores are ranks.
        A list whose call failed is absent.
    copied
        Score of the added document in the list with a copy; None if that call failed.
    """

    sample: ListSample
    variations: Mapping[str, Variation]
    scores: dict[str, _Scores] = field(default_factory=dict)
    copied: float | None = None

    @property
    def again(self) -> _Scores | None:
        """``(n,)`` absolute changes in a repeated call; None if one of the two failed."""
        return self.changes(AGAIN, absolute=True)

    def changes(self, name: str, *, absolute: bool = False) -> _Scores | None:
        """Return ``(n,)`` changes of the scores in another list; None if one of the two calls failed."""
        before, after = self.scores.get(ORIGINAL), self.scores.get(name)
        if before is None or after is None:
            return None
        return np.abs(after - before) if absolute else after - before


def score_lists(
    samples: Sequence[ListSample], seed: int, score: Scorer, reworded: Scorer | None, *, ranks: bool
) -> list[QueryScores]:
    """Send all lists of all queries once; a query whose first call fails is sent nothing more.

    Parameters
    ----------
    samples
        The lists.
    seed
        Of the random orders.
    score, reworded
        Make one call, with the wording of the configuration and with another one; None without another one.
    ranks
        Whether scores are ranks: the ranks of the documents of the original list among each other are compared.
    """
    found = []
    for place, sample in enumerate(samples):
        one = QueryScores(sample, sample.variations(seed + place))
        for name, variation in one.variations.items():
            scores = score(variation.request)
            if scores is None and name == ORIGINAL:
                break
            if scores is not None:
                one.scores[name] = _comparable(scores[variation.places], ranks=ranks)
                if name == COPY:
                    one.copied = float(scores[-1])
        if reworded is not None and ORIGINAL in one.scores:
            scores = reworded(sample.request)
            if scores is not None:
                one.scores[REWORDED] = _comparable(scores, ranks=ranks)
        found.append(one)
    return found


def calls_of(samples: Sequence[ListSample], seed: int) -> Iterator[tuple[str, Variation]]:
    """Yield name and list of every call of `score_lists` with the wording of the configuration, if none fails."""
    for place, sample in enumerate(samples):
        yield from sample.variations(seed + place).items()


def _comparable(scores: _Scores, *, ranks: bool) -> _Scores:
    """Return scores as they are; as ranks from 1, of the documents among each other, where they are ranks."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(-scores), dtype=np.float64) if ranks else scores


@dataclass(frozen=True, slots=True)
class Scale:
    """The unit of changes, and how large one must be to matter.

    Attributes
    ----------
    unit
        ``ranks``, or empty for scores.
    tolerance
        Changes up to this size do not matter; None if the scores of no list differ beyond rounding.
    failure
        Message of the first call that failed; None if none did.
    """

    unit: str
    tolerance: float | None
    failure: str | None = None

    @classmethod
    def of(cls, found: Sequence[QueryScores], *, ranks: bool, failure: str | None = None) -> Scale:
        """Return the scale of the original lists."""
        spread = list_spread([one.scores[ORIGINAL] for one in found if ORIGINAL in one.scores])
        return cls("ranks" if ranks else "", TOLERANCE * spread if spread else None, failure)

    def result(
        self, promise: str, moved: Interval, figures: Mapping[str, Interval], asked: int
    ) -> CheckResult:
        """Return what a change means.

        Parameters
        ----------
        promise
            That there is none.
        moved
            Mean absolute change, beyond that of a repeated call.
        figures
            Further figures by their names.
        asked
            Number of queries that were sent.
        """
        shown = {"mean change": moved, **figures}
        verdict, why = self._verdict(moved)
        parts = [f"{name} {interval_text(one)}" for name, one in shown.items() if one.estimate is not None]
        failed = ""
        if moved.n < asked:
            first = f"; the first failure: {self.failure}" if self.failure else ""
            failed = f"; {asked - moved.n} of {asked} queries left out, as a call failed{first}"
        sample = f"{moved.n} queries: {', '.join(parts)}" if parts else "no query with all its calls answered"
        unit = f" {self.unit}" if self.unit and parts else ""
        return CheckResult(promise, verdict, f"{sample}{unit}{why}{failed}", shown)

    def _verdict(self, moved: Interval) -> tuple[Verdict, str]:
        if self.tolerance is None:
            return "not testable", "; all scores of a list are equal within rounding"
        limit = f"{self.tolerance:.2g} ({TOLERANCE:.0%} of the standard deviation in a list)"
        if moved.lower is None or moved.upper is None:
            return "not testable", "; two queries are needed"
        if moved.lower > self.tolerance:
            return "not met", f"; more than {limit}"
        if moved.upper <= self.tolerance:
            return "kept", f"; at most {limit}"
        return "not testable", f"; too few queries to tell whether it is more than {limit}: raise --queries"


def interval_text(one: Interval) -> str:
    """Return an estimate with its bounds, for the evidence."""
    if one.estimate is None:
        return "unknown"
    if one.lower is None or one.upper is None:
        return f"{one.estimate:.3g}"
    return f"{one.estimate:.3g} [{one.lower:.3g}, {one.upper:.3g}]"


def list_effects(found: Sequence[QueryScores], scale: Scale) -> Iterator[CheckResult]:
    """Yield whether place, an unrelated document and a copy move scores, and by how much."""
    yield _place(found, scale)
    yield _added(found, scale, NEIGHBOUR, UNRELATED, slice(None))
    yield _added(found, scale, COPY_ITSELF, COPY, slice(COPIED, COPIED + 1))
    yield _added(found, scale, COPY_OTHERS, COPY, slice(COPIED + 1, None))


def _added(found: Sequence[QueryScores], scale: Scale, promise: str, name: str, rows: slice) -> CheckResult:
    """Return by how much one more document changes the scores of some rows of the list."""
    moved = over_queries(found, lambda one: _beyond(one, [name], rows))
    figures = {"change with its sign": over_queries(found, lambda one: _mean(one.changes(name), rows))}
    if promise == COPY_ITSELF and not scale.unit:
        figures["copy minus document"] = over_queries(found, _copy_difference)
    return scale.result(promise, moved, figures, len(found))


def over_queries(found: Iterable[QueryScores], value: Callable[[QueryScores], float | None]) -> Interval:
    """Return the mean of a value over the queries that have it, with Student's interval."""
    values = [known for one in found if (known := value(one)) is not None]
    return mean_interval(np.array(values, dtype=np.float64))


def _mean(changes: _Scores | None, rows: slice = slice(None)) -> float | None:
    return None if changes is None or not len(changes[rows]) else float(changes[rows].mean())


def _beyond(one: QueryScores, names: Sequence[str], rows: slice = slice(None)) -> float | None:
    """Return the mean absolute change in some lists minus that in a repeated call; None if a call failed."""
    again = _mean(one.again, rows)
    moved = [_mean(one.changes(name, absolute=True), rows) for name in names]
    known = [value for value in moved if value is not None]
    return None if again is None or len(known) < len(moved) else float(np.mean(known)) - again


def reworded_change(found: Sequence[QueryScores]) -> tuple[Interval, Interval]:
    """Return by how much another wording moves scores: the size beyond that of a repeated call, and with its sign."""
    moved = over_queries(found, lambda one: _beyond(one, [REWORDED]))
    return moved, over_queries(found, lambda one: _mean(one.changes(REWORDED)))


def _copy_difference(one: QueryScores) -> float | None:
    scores = one.scores.get(COPY)
    return None if scores is None or one.copied is None else one.copied - float(scores[COPIED])


def _place(found: Sequence[QueryScores], scale: Scale) -> CheckResult:
    moved = over_queries(found, lambda one: _beyond(one, ORDERS))
    slopes = [known for one in found if (known := _slopes(one)) is not None]
    columns = np.array(slopes, dtype=np.float64).reshape(-1, 2).T
    names = ("from first to last place", "in the middle, against both ends")
    return scale.result(PLACE, moved, dict(zip(names, map(mean_interval, columns), strict=True)), len(found))


def _slopes(one: QueryScores) -> tuple[float, float] | None:
    """Return how a score changes from the first place to the last, and from the ends to the middle.

    Least squares within documents: the relevance of a document is the same at all its places.
    """
    names = [name for name in (ORIGINAL, *ORDERS) if name in one.scores]
    count = len(one.sample.request.documents)
    if len(names) < 1 + len(ORDERS) or count < 3:
        return None
    share = np.stack([one.variations[name].places for name in names]) / (count - 1)
    within = [
        values - values.mean(axis=0)
        for values in (share, 1 - np.abs(2 * share - 1), np.stack([one.scores[name] for name in names]))
    ]
    first, middle, scores = (values.ravel() for values in within)
    (to_last, to_middle), *_ = np.linalg.lstsq(np.stack([first, middle], axis=1), scores)
    return float(to_last), float(to_middle)
