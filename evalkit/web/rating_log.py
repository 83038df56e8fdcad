"""What people have judged: the lines of the files of judgments, and what follows from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from evalkit.errors import StorageError
from evalkit.formats import judgment_lines
from evalkit.records import Judgment, Rater, time_order
from evalkit.store import JudgmentFile
from evalkit.web.rating_task import RatingTask

SKIPPED = "skipped"
WITHDRAWN = "withdrawn"


def failure_kind(judgment: Judgment) -> str:
    """Return the first word of a judgment's failure; empty for a grade."""
    return (judgment.failure or "").partition(":")[0]


def person(name: str, scale: str) -> Rater:
    """Return a person as a rater on a scale."""
    return Rater("human", name, scale=scale)


@dataclass(slots=True)
class _RaterLines:
    """The lines of one rater."""

    last: dict[str, Judgment] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    done: set[str] = field(default_factory=set)
    undoable: dict[str, str] = field(default_factory=dict)
    times: list[str] = field(default_factory=list)


class RatingLog:
    """The judgments of people on the pairs of a queue. The files are the only state: all else is read from them.

    Judgments of models, of other pairs and of other texts of a pair are left out, and those on a scale with another
    number of grades. A person is known by name.

    Parameters
    ----------
    files
        Dataset -> its file.
    tasks
        The pairs.
    scale
        The scale as text. A grade on another scale counts, but is not undone: it is of another rater.

    Raises
    ------
    DataFormatError
        If a line of a file is no judgment.
    """

    def __init__(self, files: Mapping[str, JudgmentFile], tasks: Iterable[RatingTask], scale: str) -> None:
        self._files = files
        self._scale = scale
        self._tasks = {(task.dataset, task.query_id, task.doc_id): task for task in tasks}
        self._sizes: dict[str, int] = {}
        self._raters: dict[str, _RaterLines] = {}
        self._grades: dict[str, dict[str, float]] = {}
        self._read()

    @property
    def raters(self) -> tuple[str, ...]:
        """The people with a line."""
        return tuple(self._raters)

    def refresh(self) -> None:
        """Read the files again if another program has changed one."""
        if any(self._size(name) != size for name, size in self._sizes.items()):
            self._read()

    def append(self, task: RatingTask, judgment: Judgment) -> None:
        """Append a judgment of a pair to its file; it is on the disk when this returns.

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        self._files[task.dataset].append([judgment])
        expected = self._sizes[task.dataset] + len(judgment_lines([judgment]))
        self._sizes[task.dataset] = self._size(task.dataset)
        if self._sizes[task.dataset] == expected:
            self._add(task, judgment)
        else:  # another program has appended, too
            self._read()

    def done_by(self, rater: str) -> AbstractSet[str]:
        """Return the keys of the pairs that a rater has graded or skipped."""
        lines = self._raters.get(rater)
        return lines.done if lines else frozenset()

    def grades(self) -> Mapping[str, Mapping[str, float]]:
        """Return key of a pair -> rater -> grade."""
        return self._grades

    def last(self, task: RatingTask, rater: str) -> Judgment | None:
        """Return the last line of a rater on a pair."""
        lines = self._raters.get(rater)
        return None if lines is None else lines.last.get(task.key)

    def turn(self, task: RatingTask, rater: str) -> int:
        """Return the number of lines of a rater on a pair, by which a click that is sent twice is recognised."""
        lines = self._raters.get(rater)
        return 0 if lines is None else lines.counts.get(task.key, 0)

    def undoable(self, rater: str) -> str | None:
        """Return the key of the pair that a rater answered last and did not withdraw; None if there is none."""
        lines = self._raters.get(rater)
        return next(reversed(lines.undoable), None) if lines else None

    def count(self, rater: str, kind: str = "") -> int:
        """Return the number of pairs that a rater has graded, or failed to grade for a reason."""
        lines = self._raters.get(rater)
        return sum(failure_kind(one) == kind for one in lines.last.values()) if lines else 0

    def times(self, rater: str) -> list[str]:
        """Return when a rater judged, in order."""
        lines = self._raters.get(rater)
        return lines.times if lines else []

    def _size(self, name: str) -> int:
        """Return the length of a file; 0 if there is none."""
        try:
            return self._files[name].path.stat().st_size
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise StorageError(
                f"cannot read {self._files[name].path}: {error.strerror}",
                "make the file and its folder readable",
            ) from None

    def _read(self) -> None:
        self._raters, self._grades = {}, {}
        for name, file in self._files.items():
            # Before the file is read: what is appended meanwhile makes it longer, so that it is read again.
            self._sizes[name] = self._size(name)
            for judgment in file.read():
                task = self._tasks.get((name, *judgment.pair))
                if task is not None and self._counts(judgment) and not task.is_stale(judgment):
                    self._add(task, judgment)
        if len(self._files) > 1:  # the last one of all files is undone first
            for lines in self._raters.values():
                lines.undoable = dict(sorted(lines.undoable.items(), key=lambda one: time_order(one[1])))
                lines.times.sort(key=time_order)

    def _counts(self, judgment: Judgment) -> bool:
        """Return whether a judgment is by a person, on a scale with as many grades as this one, or an unknown one."""
        scale = judgment.rater.scale
        same = scale is None or scale.count("\n") == self._scale.count("\n")
        return same and judgment.rater.kind == "human"

    def _add(self, task: RatingTask, judgment: Judgment) -> None:
        name = judgment.rater.name
        lines = self._raters.setdefault(name, _RaterLines())
        lines.last[task.key] = judgment
        lines.counts[task.key] += 1
        lines.times.append(judgment.at)
        lines.undoable.pop(task.key, None)
        grades = self._grades.setdefault(task.key, {})
        grades.pop(name, None)
        if judgment.grade is not None:
            grades[name] = judgment.grade
        lines.done.discard(task.key)
        if failure_kind(judgment) in {"", SKIPPED}:
            lines.done.add(task.key)
            if judgment.rater == person(name, self._scale):
                lines.undoable[task.key] = judgment.at
