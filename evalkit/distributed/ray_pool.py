"""Hands on the replicas of a Ray cluster; what a lost one had begun goes to another."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from evalkit.distributed.worker_pool import Loss, Work, WorkerPool, attempt
from evalkit.errors import CallError, WorldError

Worker_co = TypeVar("Worker_co", covariant=True)
Task = TypeVar("Task")
Result = TypeVar("Result")

AHEAD = 2
"""Tasks handed to a replica at once: it goes on while a result travels."""
MOST_TRIES = 3
"""A task that was lost as often is taken for the cause."""
START_LIMIT_S = 600.0
"""Longest time without a single replica: loading a model takes its time."""


class ReplicaActor:
    """What runs on the cluster: one hand, opened by the first thing asked of it."""

    def __init__(self, open_worker: Callable[[], Any]) -> None:
        self._open = open_worker
        self._worker: Any = None

    def begin(self) -> None:
        """Open the hand; a failure of that is told like any other."""
        self._worker = self._open()

    def do(self, work: Callable[[Any, Any], Any], task: Any) -> Any:
        """Do a task; a failure of it is its result."""
        return attempt(work, self._worker, task)


@dataclass(slots=True, eq=False)
class _PendingTask:
    """A task on its way.

    Attributes
    ----------
    start_s
        When it was last given to a replica.
    lost
        How often a replica was lost that had it.
    """

    task: Any
    start_s: float = 0.0
    lost: int = 0


@dataclass(slots=True, eq=False)
class _Replica:
    """A replica seen from here.

    Attributes
    ----------
    beginning
        The promise that it has opened its hand; None when it has.
    given
        Promise -> errand, of those that it has not answered.
    """

    actor: Any
    beginning: Any
    given: dict[Any, _PendingTask] = field(default_factory=dict)

    def may_take(self, pending: _PendingTask) -> bool:
        """Return whether it may have another errand: one that was lost before travels alone, so that it is known."""
        alone = pending.lost > 0 or any(other.lost for other in self.given.values())
        return self.beginning is None and not (self.given and alone)


class RayPool(WorkerPool[Worker_co]):
    """Replicas of one hand. They start with the first task, and stay until they are dismissed.

    A replica that is lost, with its process or its node, is replaced; what it had and did not answer is done
    again by whoever is free. What was answered is never asked for again.

    Parameters
    ----------
    open_worker
        Called on every replica.
    count, cpus, gpus
        Replicas, and what each has to itself.

    Attributes
    ----------
    loss
        What was lost.
    """

    def __init__(self, open_worker: Callable[[], Worker_co], count: int, cpus: int, gpus: float) -> None:
        self._open, self._count, self._cpus, self._gpus = open_worker, count, cpus, gpus
        self._replicas: list[_Replica] = []
        self._lost_in_a_row = 0
        self.loss = Loss()

    def each(
        self, do: Callable[[Worker_co, Task], Result], tasks: Iterable[Task]
    ) -> Iterator[Work[Task, Result]]:
        """Yield every task with its result, in order of completion.

        Raises
        ------
        WorldError
            If no replica can be kept running.
        """
        pending_tasks = _PendingTasks(tasks)
        while self._hand_out(do, pending_tasks):
            yield from self._next(pending_tasks)

    def dismiss(self) -> None:
        """End all replicas."""
        for replica in self._replicas:
            _end(replica)
        self._replicas.clear()

    def _hand_out(self, do: Callable[[Any, Any], Any], pending_tasks: _PendingTasks) -> bool:
        """Give errands to whoever is free; return whether anything is still to be answered."""
        for held in range(AHEAD):
            for replica in self._replicas:
                if len(replica.given) == held and pending_tasks and replica.may_take(pending_tasks.first):
                    pending = pending_tasks.pop()
                    pending.start_s = time.perf_counter()
                    replica.given[replica.actor.do.remote(do, pending.task)] = pending
        unanswered = bool(pending_tasks) or any(replica.given for replica in self._replicas)
        while unanswered and len(self._replicas) < self._count:
            self._replicas.append(self._start())
        return unanswered

    def _start(self) -> _Replica:
        import ray

        actor = ray.remote(ReplicaActor).options(num_cpus=self._cpus, num_gpus=self._gpus).remote(self._open)
        return _Replica(actor, actor.begin.remote())

    def _next(self, pending_tasks: _PendingTasks) -> Iterator[Work[Any, Any]]:
        """Wait until a replica has something to tell; yield what it answered, if it is an answer."""
        import ray

        promise, replica = self._wait()
        try:
            result = ray.get(promise)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except ray.exceptions.RayError as error:
            yield from self._lose(replica, pending_tasks, error)
            return
        self._lost_in_a_row = 0
        if promise == replica.beginning:
            replica.beginning = None
            return
        pending = replica.given.pop(promise)
        yield Work(pending.task, result, pending.start_s, time.perf_counter())

    def _wait(self) -> tuple[Any, _Replica]:
        """Return the first promise that is kept or broken, and whose it was."""
        import ray

        whose = {promise: replica for replica in self._replicas for promise in replica.given}
        at_work = bool(whose)
        whose |= {replica.beginning: replica for replica in self._replicas if replica.beginning is not None}
        ready, _ = ray.wait(list(whose), num_returns=1, timeout=None if at_work else START_LIMIT_S)
        if not ready:
            raise WorldError(
                f"no replica could be started on the Ray cluster within {START_LIMIT_S:g} s",
                "is it busy with something else? 'ray status' tells",
            )
        return ready[0], whose[ready[0]]

    def _lose(
        self, replica: _Replica, pending_tasks: _PendingTasks, error: Exception
    ) -> Iterator[Work[Any, Any]]:
        """Take back what a lost replica had; what was lost too often, alone but for the first time, has failed."""
        self._replicas.remove(replica)
        _end(replica)
        self.loss = Loss(self.loss.workers + 1, self.loss.tasks + len(replica.given))
        self._lost_in_a_row += 1
        if self._lost_in_a_row > MOST_TRIES * self._count:
            raise WorldError(
                f"{self._lost_in_a_row} replicas in a row were lost on the Ray cluster: {first_line(error)}",
                "is evalkit installed on its nodes, and is there enough memory?",
            )
        for pending in reversed(replica.given.values()):
            pending.lost += 1
            if pending.lost < MOST_TRIES:
                pending_tasks.put_back(pending)
                continue
            failure = CallError(
                "lost", f"{pending.lost} replicas were lost with it", "is there enough memory on the nodes?"
            )
            yield Work(pending.task, failure, pending.start_s, time.perf_counter())


class _PendingTasks:
    """Tasks not given to anybody: those that came back, then new ones; true while there are any."""

    def __init__(self, tasks: Iterable[Any]) -> None:
        self._tasks = iter(tasks)
        self._waiting: deque[_PendingTask] = deque()

    def __bool__(self) -> bool:
        if not self._waiting:
            self._waiting.extend(_PendingTask(task) for task in islice(self._tasks, 1))
        return bool(self._waiting)

    @property
    def first(self) -> _PendingTask:
        return self._waiting[0]

    def pop(self) -> _PendingTask:
        return self._waiting.popleft()

    def put_back(self, pending: _PendingTask) -> None:
        self._waiting.appendleft(pending)


def _end(replica: _Replica) -> None:
    import ray

    ray.kill(replica.actor)


def first_line(error: Exception) -> str:
    """Return the first line of what an error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
