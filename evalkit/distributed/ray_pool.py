"""A worker pool on the replicas of a Ray cluster; tasks of a lost replica are repeated on another."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from evalkit.distributed.worker_pool import CompletedTask, Losses, WorkerPool, run_task
from evalkit.errors import CallError, WorldError

Worker_co = TypeVar("Worker_co", covariant=True)
Task = TypeVar("Task")
Result = TypeVar("Result")

QUEUED_PER_REPLICA = 2
"""Tasks queued on a replica, so that it continues with the next one while a result is transferred."""
MAX_ATTEMPTS = 3
"""A task fails after it was lost with this many replicas: it is assumed to be the cause."""
START_TIMEOUT_S = 600.0
"""Longest time without a running replica; a replica may have to load a model first."""


class ReplicaActor:
    """The Ray actor of a replica: creates one worker and runs tasks on it."""

    def __init__(self, open_worker: Callable[[], Any]) -> None:
        self._open = open_worker
        self._worker: Any = None

    def start(self) -> None:
        """Create the worker; the first call to the actor, so that a failure reaches the caller."""
        self._worker = self._open()

    def run(self, function: Callable[[Any, Any], Any], task: Any) -> Any:
        """Return the result of one task, or its `CallError`."""
        return run_task(function, self._worker, task)


@dataclass(slots=True, eq=False)
class _PendingTask:
    """A task without a result.

    Attributes
    ----------
    start_s
        When the task was last sent to a replica.
    losses
        How many replicas were lost while they had the task.
    """

    task: Any
    start_s: float = 0.0
    losses: int = 0


@dataclass(slots=True, eq=False)
class _Replica:
    """A replica, as the pool sees it.

    Attributes
    ----------
    starting
        The Ray object reference of the actor's start; None once the replica is running.
    queued
        Ray object reference -> task, for all tasks of the replica without a result.
    """

    actor: Any
    starting: Any
    queued: dict[Any, _PendingTask] = field(default_factory=dict)

    def accepts(self, pending: _PendingTask) -> bool:
        """Return whether the replica is running and may queue the task.

        A task that was lost before is queued alone, so that another loss can be attributed to it.
        """
        must_be_alone = pending.losses > 0 or any(other.losses for other in self.queued.values())
        return self.starting is None and not (self.queued and must_be_alone)


class RayPool(WorkerPool[Worker_co]):
    """A pool of replicas with one worker each; they start with the first task and run until `shut_down`.

    A replica that is lost, with its process or its node, is replaced, and its tasks without a result are repeated on
    any free replica. A task with a result is never repeated.

    Parameters
    ----------
    open_worker
        Returns the worker of a replica; called on every replica.
    count, cpus, gpus
        Number of replicas, and the resources reserved for each.

    Attributes
    ----------
    losses
        Lost replicas and repeated tasks.
    """

    def __init__(self, open_worker: Callable[[], Worker_co], count: int, cpus: int, gpus: float) -> None:
        self._open, self._count, self._cpus, self._gpus = open_worker, count, cpus, gpus
        self._replicas: list[_Replica] = []
        self._losses_in_a_row = 0
        self.losses = Losses()

    def each(
        self, function: Callable[[Worker_co, Task], Result], tasks: Iterable[Task]
    ) -> Iterator[CompletedTask[Task, Result]]:
        """Yield every task with its result, in order of completion.

        Raises
        ------
        WorldError
            If no replica starts in time, or too many replicas in a row are lost.
        """
        unassigned = _UnassignedTasks(tasks)
        while self._assign(function, unassigned):
            yield from self._next(unassigned)

    def shut_down(self) -> None:
        """Kill all replicas."""
        for replica in self._replicas:
            _kill(replica)
        self._replicas.clear()

    def _assign(self, function: Callable[[Any, Any], Any], unassigned: _UnassignedTasks) -> bool:
        """Send tasks to free replicas and start missing replicas; return whether any task has no result yet."""
        for queue_length in range(QUEUED_PER_REPLICA):
            for replica in self._replicas:
                if len(replica.queued) == queue_length and unassigned and replica.accepts(unassigned.first):
                    pending = unassigned.pop()
                    pending.start_s = time.perf_counter()
                    replica.queued[replica.actor.run.remote(function, pending.task)] = pending
        unfinished = bool(unassigned) or any(replica.queued for replica in self._replicas)
        while unfinished and len(self._replicas) < self._count:
            self._replicas.append(self._start())
        return unfinished

    def _start(self) -> _Replica:
        import ray

        actor = ray.remote(ReplicaActor).options(num_cpus=self._cpus, num_gpus=self._gpus).remote(self._open)
        return _Replica(actor, actor.start.remote())

    def _next(self, unassigned: _UnassignedTasks) -> Iterator[CompletedTask[Any, Any]]:
        """Wait for the next event of any replica; yield a task if the event completes it."""
        import ray

        reference, replica = self._wait()
        try:
            result = ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except ray.exceptions.RayError as error:
            yield from self._replace(replica, unassigned, error)
            return
        self._losses_in_a_row = 0
        if reference == replica.starting:
            replica.starting = None
            return
        pending = replica.queued.pop(reference)
        yield CompletedTask(pending.task, result, pending.start_s, time.perf_counter())

    def _wait(self) -> tuple[Any, _Replica]:
        """Return the first object reference that is ready or failed, and its replica."""
        import ray

        replica_of = {reference: replica for replica in self._replicas for reference in replica.queued}
        is_running = bool(replica_of)
        replica_of |= {
            replica.starting: replica for replica in self._replicas if replica.starting is not None
        }
        ready, _ = ray.wait(list(replica_of), num_returns=1, timeout=None if is_running else START_TIMEOUT_S)
        if not ready:
            raise WorldError(
                f"no replica started on the Ray cluster within {START_TIMEOUT_S:g} s",
                "check with 'ray status' whether the cluster is busy",
            )
        return ready[0], replica_of[ready[0]]

    def _replace(
        self, replica: _Replica, unassigned: _UnassignedTasks, error: Exception
    ) -> Iterator[CompletedTask[Any, Any]]:
        """Remove a lost replica and put its tasks back; yield tasks that were lost too often as failed.

        After its first loss a task is queued alone, so that later losses are attributed to it.
        """
        self._replicas.remove(replica)
        _kill(replica)
        self.losses = Losses(self.losses.workers + 1, self.losses.tasks + len(replica.queued))
        self._losses_in_a_row += 1
        if self._losses_in_a_row > MAX_ATTEMPTS * self._count:
            raise WorldError(
                f"{self._losses_in_a_row} replicas in a row were lost on the Ray cluster: {first_line(error)}",
                "check that evalkit is installed on all nodes and that they have enough memory",
            )
        for pending in reversed(replica.queued.values()):
            pending.losses += 1
            if pending.losses < MAX_ATTEMPTS:
                unassigned.put_back(pending)
                continue
            failure = CallError(
                "lost",
                f"{pending.losses} replicas stopped while they processed it",
                "check that the nodes have enough memory",
            )
            yield CompletedTask(pending.task, failure, pending.start_s, time.perf_counter())


class _UnassignedTasks:
    """Tasks that no replica has: repeated tasks first, then new ones; true if there are any."""

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


def _kill(replica: _Replica) -> None:
    import ray

    ray.kill(replica.actor)


def first_line(error: Exception) -> str:
    """Return the first line of an error message; the name of the exception if the message is empty."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
