"""Tasks in, results out: what every way of spreading work has in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from evalkit.errors import CallError

Worker = TypeVar("Worker")
Worker_co = TypeVar("Worker_co", covariant=True)
Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Work(Generic[Task, Result]):
    """A task that was done, or that failed.

    Attributes
    ----------
    result
        What came of it; the failure where it failed.
    start_s, end_s
        When, in seconds of this process's monotonic clock.
    """

    task: Task
    result: Result | CallError
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Loss:
    """What was lost with the processes that went away, and had to be done again.

    Attributes
    ----------
    workers
        Processes that were lost.
    tasks
        Tasks that they had begun.
    """

    workers: int = 0
    tasks: int = 0


class WorkerPool(Protocol[Worker_co]):
    """Hands that are all alike, for as long as there is work of one kind."""

    def each(
        self, do: Callable[[Worker_co, Task], Result], tasks: Iterable[Task]
    ) -> Iterator[Work[Task, Result]]:
        """Yield every task with its result, in order of completion; tasks are taken as hands get free.

        Parameters
        ----------
        do
            A function of a module: where hands are elsewhere, it and the tasks are sent there.
        tasks
            A `CallError` that one raises is its result, and stops no other.
        """
        ...


class LocalPool(WorkerPool[Worker_co]):
    """One hand: this process's own.

    Parameters
    ----------
    worker
        What does the work.
    """

    def __init__(self, worker: Worker_co) -> None:
        self._worker = worker

    def each(
        self, do: Callable[[Worker_co, Task], Result], tasks: Iterable[Task]
    ) -> Iterator[Work[Task, Result]]:
        """Do one task after the other."""
        for task in tasks:
            start = time.perf_counter()
            result = attempt(do, self._worker, task)
            yield Work(task, result, start, time.perf_counter())


def attempt(do: Callable[[Worker, Task], Result], worker: Worker, task: Task) -> Result | CallError:
    """Do one task; return the failure where it fails."""
    try:
        return do(worker, task)
    except CallError as error:
        return error


def each_or_parts(
    pool: WorkerPool[Worker],
    do: Callable[[Worker, Task], Result],
    tasks: Iterable[Task],
    parts: Callable[[Task], Sequence[Task]],
) -> Iterator[Work[Task, Result]]:
    """Yield what `WorkerPool.each` does; a task that fails is done again in its parts, where it has several.

    What is wrong with one part costs no other.
    """
    again: list[Task] = []
    for work in pool.each(do, tasks):
        pieces = parts(work.task) if isinstance(work.result, CallError) else ()
        if len(pieces) > 1:
            again += pieces
        else:
            yield work
    yield from pool.each(do, again)
