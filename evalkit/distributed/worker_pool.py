"""The interface of worker pools, and the pool with one worker in this process."""

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
class CompletedTask(Generic[Task, Result]):
    """A task that succeeded or failed.

    Attributes
    ----------
    result
        The result of the task, or its `CallError`.
    start_s, end_s
        When the task was sent to a worker and when its result was received, in seconds of this process's
        `time.perf_counter`.
    """

    task: Task
    result: Result | CallError
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Losses:
    """Worker processes that were lost, and tasks that were repeated because of it.

    Attributes
    ----------
    workers
        Number of lost processes.
    tasks
        Number of tasks that were queued on them.
    """

    workers: int = 0
    tasks: int = 0


class WorkerPool(Protocol[Worker_co]):
    """Interchangeable workers that run tasks."""

    def each(
        self, function: Callable[[Worker_co, Task], Result], tasks: Iterable[Task]
    ) -> Iterator[CompletedTask[Task, Result]]:
        """Yield every task with its result, in order of completion.

        Parameters
        ----------
        function
            Runs a task on a worker and returns the result. It must be a module-level function, because it is pickled
            for workers in other processes. A `CallError` that it raises becomes the result of the task.
        tasks
            Picklable tasks; the next one is taken when a worker is free.
        """
        ...


class LocalPool(WorkerPool[Worker_co]):
    """A pool with one worker in this process.

    Parameters
    ----------
    worker
        The worker, the first argument of every function.
    """

    def __init__(self, worker: Worker_co) -> None:
        self._worker = worker

    def each(
        self, function: Callable[[Worker_co, Task], Result], tasks: Iterable[Task]
    ) -> Iterator[CompletedTask[Task, Result]]:
        """Run one task at a time, and yield each with its result."""
        for task in tasks:
            start_s = time.perf_counter()
            result = run_task(function, self._worker, task)
            yield CompletedTask(task, result, start_s, time.perf_counter())


def run_task(function: Callable[[Worker, Task], Result], worker: Worker, task: Task) -> Result | CallError:
    """Return the result of one task, or its `CallError`."""
    try:
        return function(worker, task)
    except CallError as error:
        return error


def each_with_split_retry(
    pool: WorkerPool[Worker],
    function: Callable[[Worker, Task], Result],
    tasks: Iterable[Task],
    split: Callable[[Task], Sequence[Task]],
) -> Iterator[CompletedTask[Task, Result]]:
    """Yield every task with its result as `WorkerPool.each` does; split a failed task and retry its parts.

    A failure thus affects only the part that causes it. A task that `split` does not divide is not retried.
    """
    retries: list[Task] = []
    for completed in pool.each(function, tasks):
        parts = split(completed.task) if isinstance(completed.result, CallError) else ()
        if len(parts) > 1:
            retries += parts
        else:
            yield completed
    yield from pool.each(function, retries)
