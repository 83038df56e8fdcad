"""What a click on the rating page does: one line in the file of judgments, then the next pair."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from evalkit.errors import InputError, printable
from evalkit.records import Judgment, utc_text
from evalkit.store import JudgmentFile
from evalkit.web.active_order import ActiveOrder, ComparedSystems, state_view
from evalkit.web.rating_log import SKIPPED, WITHDRAWN, RatingLog, failure_kind, person
from evalkit.web.rating_queue import RatingQueue, in_rating_order
from evalkit.web.rating_task import RatingTask, scale_text
from evalkit.web.rating_view import agreement_view, progress_view, recent_seconds_each, task_view

MOST_IN_A_NAME = 60
MOST_IN_A_NOTE = 4_000
_SKIPPED = f"{SKIPPED}: the rater gave no grade"
_WITHDRAWN = f"{WITHDRAWN}: the rater took the last answer back"
_ACTIONS = Literal["open", "grade", "skip", "later", "undo", "again"]


class Click(BaseModel):
    """What the page sends.

    Attributes
    ----------
    rater
        Name of the rater.
    action
        ``open`` asks for a pair and changes nothing; ``later`` changes the order only; ``again`` asks for the pairs
        that the rater has skipped.
    task
        Key of the pair; None for ``open`` and ``again``.
    turn
        Number of the rater's lines on the pair before the click, as the page received it with the pair. A click that
        arrives a second time, because the reply to the first one was lost, is recognised by it, after a restart, too.
    grade
        The grade, for ``grade``.
    note
        The rater's explanation.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rater: Annotated[str, Field(min_length=1, max_length=MOST_IN_A_NAME)]
    action: _ACTIONS
    task: str | None = None
    turn: Annotated[int, Field(ge=0, strict=True)] = 0
    grade: Annotated[int, Field(strict=True)] | None = None
    note: Annotated[str, Field(max_length=MOST_IN_A_NOTE)] = ""


@dataclass(frozen=True, slots=True)
class RatingRules:
    """How pairs are rated.

    Attributes
    ----------
    scale
        What each grade means; the first line is grade 0.
    guidelines
        What matters, in words; empty for nothing.
    overlap
        Share of the pairs that two raters are to grade.
    seed
        Seed of the order within a query, and of the pairs for two raters.
    """

    scale: Sequence[str]
    guidelines: str = ""
    overlap: float = 0.0
    seed: int = 0


class ConflictError(Exception):
    """The click does not fit to what is in the file; the message is for the rater."""


class RatingSession:
    """Answers clicks. The state is in the files of judgments; the memory has only who is rating which pair.

    Parameters
    ----------
    tasks
        The pairs, in any order within a query.
    files
        Dataset -> its file of judgments.
    rules
        How they are rated.
    clock
        Returns the current time, with a time zone.
    compared
        Dataset -> the systems whose difference decides on the order after the human sample; None for a random order.
    """

    def __init__(
        self,
        tasks: Sequence[RatingTask],
        files: Mapping[str, JudgmentFile],
        rules: RatingRules,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        compared: Mapping[str, ComparedSystems] | None = None,
    ) -> None:
        self.rules = rules
        self._scale = scale_text(rules.scale)
        self._clock = clock
        ordered = in_rating_order(tasks, rules.seed)
        self.log = RatingLog(files, ordered, self._scale)
        self.active = None if compared is None else ActiveOrder(compared, ordered, self.log.grades())
        self.queue = RatingQueue(ordered, self.log, rules.overlap, rules.seed, self.active)
        self._by_key = {task.key: task for task in ordered}
        self._lock = threading.Lock()

    def answer(self, click: Click) -> dict[str, Any]:
        """Do what a click says; return what the page shows next.

        Raises
        ------
        ConflictError
            If the click is for another pair or another state than the file has now; nothing was written.
        InputError
            If its name or grade is invalid.
        StorageError
            If the line cannot be written.
        """
        rater = check_name(click.rater)
        with self._lock:
            self.log.refresh()
            self._follow()
            if click.action == "open":
                return self._view(rater, self.queue.current(rater, self._now_s()))
            if click.action == "again":
                self._withdraw_skips(rater)
                return self._view(rater, self.queue.next_for(rater, self._now_s()))
            task = self._by_key.get(click.task or "")
            if task is None:
                raise ConflictError("The texts of this pair have changed. Your last answer was not saved.")
            if click.action == "later":
                self.queue.postpone(rater, task)
            else:
                self._write(click, task, rater)
                self._follow()
            if click.action == "undo":
                self.queue.show_again(rater, task, self._now_s())
                return self._view(rater, task)
            return self._view(rater, self.queue.next_for(rater, self._now_s()))

    def _follow(self) -> None:
        if self.active is not None:
            self.active.follow(self.log.grades())

    def _write(self, click: Click, task: RatingTask, rater: str) -> None:
        """Append the line of a click, unless it is there already."""
        failure = {"skip": _SKIPPED, "undo": _WITHDRAWN}.get(click.action)
        if failure is None and not 0 <= (-1 if click.grade is None else click.grade) < len(self.rules.scale):
            raise InputError(f"{click.grade} is no grade of the scale", "use a grade of the scale")
        grade = float(click.grade) if failure is None and click.grade is not None else None
        turn, last = self.log.turn(task, rater), self.log.last(task, rater)
        if turn == click.turn + 1 and last is not None and (last.grade, last.failure) == (grade, failure):
            return
        if turn != click.turn:
            raise ConflictError(
                "You have judged this pair in another window. Your last answer was not saved."
            )
        if click.action == "undo" and (last is None or failure_kind(last) not in {"", SKIPPED}):
            raise ConflictError("There is nothing to undo.")
        self._append(task, rater, grade, failure, click.note)

    def _withdraw_skips(self, rater: str) -> None:
        for task in self.queue.tasks:
            last = self.log.last(task, rater)
            if last is not None and failure_kind(last) == SKIPPED:
                self._append(task, rater, None, _WITHDRAWN)

    def _append(
        self, task: RatingTask, rater: str, grade: float | None, failure: str | None, note: str = ""
    ) -> None:
        judgment = Judgment(
            task.query_id,
            task.doc_id,
            grade,
            person(rater, self._scale),
            utc_text(self._clock(), "milliseconds"),
            query_sha256=task.query_sha256,
            doc_sha256=task.doc_sha256,
            failure=failure,
            note=note.strip() or None,
        )
        self.log.append(task, judgment)

    def _view(self, rater: str, task: RatingTask | None) -> dict[str, Any]:
        progress = progress_view(self.queue, self.log, rater, task)
        each_s = recent_seconds_each(self.log.times(rater))
        left = progress["all"]["total"] - progress["all"]["done"]
        undone = self._by_key.get(self.log.undoable(rater) or "")
        return {
            "rater": rater,
            "task": None if task is None else task_view(task, self.log, rater),
            "progress": progress,
            "seconds_each": each_s,
            "minutes_left": None if each_s is None else each_s * left / 60,
            "agreement": agreement_view(self.log.grades(), rater),
            "undo": None if undone is None else {"task": undone.key, "turn": self.log.turn(undone, rater)},
            "settling": self._settling(task),
            "others": self.queue.held_by_others(rater, self._now_s()),
        }

    def _settling(self, task: RatingTask | None) -> dict[str, Any] | None:
        """Return how far the comparison is settled, of the dataset of a pair or the least settled one.

        None in a random order, and during the human sample, whose order nothing changes.
        """
        if self.active is None or (task is not None and task.sampled):
            return None
        states = self.active.states
        if task is not None:
            return state_view(states[task.dataset])
        return state_view(min(states.values(), key=lambda one: (one.settled, one.probability or 0.0)))

    def _now_s(self) -> float:
        return self._clock().timestamp()


def check_name(name: str) -> str:
    """Return the name of a rater without needless white space.

    Raises
    ------
    InputError
        If it is empty or too long, or has a character that cannot be seen.
    """
    tidy = " ".join(name.split())
    if not tidy or len(tidy) > MOST_IN_A_NAME:
        raise InputError(f"a name has 1 to {MOST_IN_A_NAME} characters", "use another name")
    if printable(tidy) != tidy:
        raise InputError(f"the name {tidy!r} has a character that is not printable", "use another name")
    return tidy
