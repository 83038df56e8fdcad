"""The order of documents whose grade can still change which of two systems is ahead, as grades come in.

The order and the stopping rule are those of `evalkit.comparison.settling`, on the grades of people alone: however many
documents a model has graded, its grades settle nothing. After each answer they are computed again in
the background, and no rater waits for them: the order lacks the answers of the last moments. Neither a system nor a
rank leaves this module.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from evalkit.comparison.settling import settling
from evalkit.records import Qrels, Run
from evalkit.web.rating_task import RatingTask

_SMALLEST = 1e-12
"""A weight below this is one of rounding."""
_Pair = tuple[str, str]
Grades = Mapping[str, Mapping[str, float]]
"""Key of a pair -> rater -> grade."""


@dataclass(frozen=True, slots=True, eq=False)
class ComparedSystems:
    """Two systems on one dataset, and what people have judged there.

    Attributes
    ----------
    baseline, contender
        Their ranked lists, without excluded documents.
    metric
        Label of the metric.
    highest
        The highest grade that a document may get.
    judged
        Grades of people, without the answers on the page.
    people
        Names of the raters of the page whose grades count; None for all.
    """

    baseline: Run
    contender: Run
    metric: str
    highest: float
    judged: Qrels
    people: frozenset[str] | None

    def with_answers(self, answers: Mapping[_Pair, Mapping[str, float]]) -> Qrels:
        """Return people's judgments with the answers on the page, which come first: of several raters, their mean."""
        grades = {query_id: dict(docs) for query_id, docs in self.judged.grades.items()}
        for (query_id, doc_id), by in answers.items():
            counted = [grade for rater, grade in by.items() if self.people is None or rater in self.people]
            if counted:
                grades.setdefault(query_id, {})[doc_id] = fmean(counted)
        return Qrels(grades, self.judged.subtopics, self.judged.tokens)


@dataclass(frozen=True, slots=True)
class SettledState:
    """How far it is settled on these queries which of two systems is ahead.

    Attributes
    ----------
    probability
        That the order of the systems stays if all documents are judged; None with too few judged documents.
    more
        Further judgments until it is settled; None if the probability is.
    settled
        Whether the probability is high enough to stop.
    """

    probability: float | None
    more: int | None
    settled: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What was computed of one dataset: the place of each pair that has an influence, and how far it is settled."""

    places: Mapping[_Pair, int]
    state: SettledState


def _find(systems: ComparedSystems, answers: Mapping[_Pair, Mapping[str, float]]) -> _Found:
    judged = systems.with_answers(answers)
    found = settling(systems.baseline, systems.contender, judged, systems.metric, systems.highest)
    moving = [key for key, weight in zip(found.pairs, found.weights, strict=True) if weight > _SMALLEST]
    state = SettledState(found.probability, found.more, found.is_settled or not moving)
    return _Found({key: place for place, key in enumerate(moving)}, state)


def _in_background(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True, name="active order").start()


class ActiveOrder:
    """The order in which pairs outside the human sample are rated; datasets that are not settled come first.

    Parameters
    ----------
    systems
        Dataset -> the systems that are compared on it.
    tasks
        The pairs.
    grades
        What people have graded so far.
    start
        Starts a computation; by default in a thread.
    """

    def __init__(
        self,
        systems: Mapping[str, ComparedSystems],
        tasks: Sequence[RatingTask],
        grades: Grades,
        start: Callable[[Callable[[], None]], None] = _in_background,
    ) -> None:
        self._systems = systems
        self._tasks = {task.key: task for task in tasks}
        self._start = start
        self._lock = threading.Lock()
        self._wanted: dict[str, dict[_Pair, dict[str, float]]] | None = None
        self._computed = self._answers(grades)
        self._running = False
        self._found = {name: _find(one, self._computed[name]) for name, one in systems.items()}

    def follow(self, grades: Grades) -> None:
        """Compute the order again if grades have changed; returns at once."""
        answers = self._answers(grades)
        with self._lock:
            if answers == (self._wanted or self._computed):
                return
            self._wanted = answers
            if self._running:
                return
            self._running = True
        self._start(self._compute)

    def rank(self, task: RatingTask) -> tuple[bool, int, int] | None:
        """Return a value by which pairs are sorted; None if a pair has no influence.

        Those of datasets that are not settled come first, then the datasets follow each other.
        """
        found = self._found[task.dataset]
        place = found.places.get((task.query_id, task.doc_id))
        return (
            None if place is None else (found.state.settled, list(self._systems).index(task.dataset), place)
        )

    def state_of(self, dataset: str) -> SettledState:
        """Return how far the comparison is settled on a dataset."""
        return self._found[dataset].state

    @property
    def states(self) -> dict[str, SettledState]:
        """Dataset -> how far the comparison is settled."""
        return {name: found.state for name, found in self._found.items()}

    def _answers(self, grades: Grades) -> dict[str, dict[_Pair, dict[str, float]]]:
        """Return dataset -> pair -> rater -> grade."""
        found: dict[str, dict[_Pair, dict[str, float]]] = {name: {} for name in self._systems}
        for key, by in grades.items():
            if by:
                task = self._tasks[key]
                found[task.dataset][task.query_id, task.doc_id] = dict(by)
        return found

    def _compute(self) -> None:
        """Compute what is wanted until nothing new is."""
        while True:
            with self._lock:
                wanted, self._wanted = self._wanted, None
                if wanted is None:
                    self._running = False
                    return
                before, self._computed = self._computed, wanted
            for name, answers in wanted.items():
                if answers != before[name]:
                    self._found[name] = _find(self._systems[name], answers)


def state_view(state: SettledState) -> dict[str, Any]:
    """Return a state as the page receives it."""
    return {"probability": state.probability, "more": state.more, "settled": state.settled}
