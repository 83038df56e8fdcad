"""Which pair a rater gets next: the human sample first, query by query, each pair to as many raters as are wanted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Protocol

from evalkit.records import texts_digest
from evalkit.web.rating_task import RatingTask

LEASE_S = 900.0
"""How long a pair that was shown to a rater is kept for this rater."""


class Ratings(Protocol):
    """What is judged so far."""

    def done_by(self, rater: str) -> AbstractSet[str]:
        """Return the keys of the pairs that a rater has graded or skipped."""
        ...

    def grades(self) -> Mapping[str, Mapping[str, float]]:
        """Return key of a pair -> rater -> grade."""
        ...


class Order(Protocol):
    """An order of the pairs outside the human sample."""

    def rank(self, task: RatingTask) -> tuple[bool, int, int] | None:
        """Return a value by which pairs are sorted; None for those that come last."""
        ...


def in_rating_order(tasks: Iterable[RatingTask], seed: int) -> tuple[RatingTask, ...]:
    """Return pairs in the order in which they are rated.

    The queries of the human sample come first; queries keep their order. Within a query the order is random, so that
    it shows neither the system that found a document nor its rank. It depends on the seed and on the pair alone: a
    document that is added later changes no order of the others.
    """
    groups: dict[tuple[str, str], list[RatingTask]] = defaultdict(list)
    for task in tasks:
        groups[task.group].append(task)
    ordered = sorted(groups.values(), key=lambda group: not group[0].sampled)
    return tuple(
        task for group in ordered for task in sorted(group, key=lambda one: _draw(one, seed, "order"))
    )


def _draw(task: RatingTask, seed: int, use: str) -> float:
    """Return a pseudo-random number in [0, 1) of a pair."""
    digest = texts_digest([str(seed), use, task.dataset, task.query_id, task.doc_id])
    return int.from_bytes(digest[:6], "big") / 2**48


@dataclass(slots=True)
class RatingQueue:
    """The pairs, and which rater has which of them at the moment.

    A rater is asked for one query until it is done, if possible for one that no other rater is rating. A pair goes to
    one rater; of a share of the pairs, to two. Postponed pairs come after all others: those of the human sample after
    the sample, as the correction of judges needs whole queries. Where the pairs outside the human sample have an order,
    it comes before the queries.

    Attributes
    ----------
    tasks
        The pairs in order, of `in_rating_order`.
    ratings
        What is judged.
    overlap
        Share of the pairs that two raters are to grade, in [0, 1].
    seed
        Seed of the draw of these pairs.
    order
        Order of the pairs outside the human sample; None for that of `tasks`.
    """

    tasks: Sequence[RatingTask]
    ratings: Ratings
    overlap: float = 0.0
    seed: int = 0
    order: Order | None = None
    _wanted: dict[str, int] = field(init=False, repr=False)
    _leases: dict[str, tuple[RatingTask, float]] = field(default_factory=dict)
    _postponed: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))

    def __post_init__(self) -> None:
        draws = {task.key: _draw(task, self.seed, "overlap") for task in self.tasks} if self.overlap else {}
        self._wanted = {key: 2 for key, draw in draws.items() if draw < self.overlap}

    def next_for(self, rater: str, now_s: float) -> RatingTask | None:
        """Return the next pair of a rater and keep it for this rater; None if none is left.

        Parameters
        ----------
        rater
            Name of the rater.
        now_s
            Time in seconds, of any clock that does not go back.
        """
        last = self._leases.pop(rater, None)
        held = self._held(now_s)
        busy = {task.group for task in held.values()}
        postponed = {key: place for place, key in enumerate(self._postponed[rater])}
        best: tuple[tuple[bool, int, tuple[int, ...]], RatingTask] | None = None
        for number, task in enumerate(self._open_for(rater, held)):
            place = self._place(task)
            if task.key in postponed:
                preference, place = 4, (postponed[task.key],)
            elif place is not None:
                preference = 0
            elif last is not None and task.group == last[0].group:
                preference = 1
            else:
                preference = 3 if task.group in busy else 2
            rank = (not task.sampled, preference, place or (number,))
            if best is None or rank < best[0]:
                best = rank, task
        if best is None:
            return None
        self._leases[rater] = best[1], now_s + LEASE_S
        return best[1]

    def _place(self, task: RatingTask) -> tuple[int, ...] | None:
        return None if self.order is None or task.sampled else self.order.rank(task)

    def current(self, rater: str, now_s: float) -> RatingTask | None:
        """Return the pair that is kept for a rater, or the next one."""
        lease = self._leases.get(rater)
        if lease is not None and now_s < lease[1] and lease[0].key not in self.closed_for(rater):
            self._leases[rater] = lease[0], now_s + LEASE_S
            return lease[0]
        return self.next_for(rater, now_s)

    def show_again(self, rater: str, task: RatingTask, now_s: float) -> None:
        """Give a rater a certain pair, such as one whose grade was withdrawn."""
        self._postponed[rater].pop(task.key, None)
        self._leases[rater] = task, now_s + LEASE_S

    def postpone(self, rater: str, task: RatingTask) -> None:
        """Put a pair at the end of a rater's queue."""
        self._postponed[rater].pop(task.key, None)
        self._postponed[rater][task.key] = None

    def _open_for(self, rater: str, held: Mapping[str, RatingTask]) -> Iterator[RatingTask]:
        """Yield the pairs that a rater may be given, in order; `held` maps raters to the pairs that they have."""
        closed = self.closed_for(rater)
        kept: dict[str, int] = defaultdict(int)
        for other, task in held.items():
            kept[task.key] += other != rater
        for task in self.tasks:
            if task.key in closed:
                continue
            if task.key in kept and self._others(task.key, rater) + kept[task.key] >= self.wanted(task):
                continue
            yield task

    def closed_for(self, rater: str) -> set[str]:
        """Return the keys of the pairs with which a rater has nothing to do any more."""
        graded = self.ratings.grades()
        return {
            *self.ratings.done_by(rater),
            *(key for key in graded if self._others(key, rater) >= self._wanted.get(key, 1)),
        }

    def _others(self, key: str, rater: str) -> int:
        """Return how many other raters have graded a pair."""
        by = self.ratings.grades().get(key, {})
        return len(by) - (rater in by)

    def wanted(self, task: RatingTask) -> int:
        """Return how many raters are to grade a pair."""
        return self._wanted.get(task.key, 1)

    def postponed_by(self, rater: str) -> AbstractSet[str]:
        """Return the keys of the pairs that a rater has postponed."""
        return self._postponed[rater].keys()

    def held_by_others(self, rater: str, now_s: float) -> int:
        """Return the number of pairs that other raters have at the moment."""
        return sum(other != rater for other in self._held(now_s))

    def _held(self, now_s: float) -> dict[str, RatingTask]:
        """Return rater -> the pair that is kept for this rater; pairs of idle raters are free again."""
        return {rater: task for rater, (task, until) in self._leases.items() if now_s < until}
