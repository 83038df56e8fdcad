"""A worker pool on the replicas of a Ray cluster; tasks of a lost replica are repeated on another."""

from __future__ import annotations

import logging
import os
import pickle
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count, islice
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from evalkit.distributed import ray_messages as messages
from evalkit.distributed.ray_connection import RayConnection
from evalkit.distributed.ray_replica import Place, Raised, said
from evalkit.distributed.worker_pool import CompletedTask, Losses, WorkerPool
from evalkit.errors import CallError, ClusterError, EvalkitError, EvalkitWarning, tell

Worker_co = TypeVar("Worker_co", covariant=True)
Task = TypeVar("Task")
Result = TypeVar("Result")

QUEUED_PER_REPLICA = 2
"""Tasks queued on a replica, so that it continues with the next one while a result is transferred."""
MAX_ATTEMPTS = 3
"""A task fails after it was lost with this many replicas: it is assumed to be the cause. As often a replica may fail to
start before it is given up."""
MOST_LOSSES_IN_A_ROW = 30
"""So many replicas may be lost without a result in between: enough to find the queries of a task that are the cause."""
POLL_S = 1.0
"""Seconds between two looks at the time limits while no event comes."""
BUSY_S = 20.0
"""After this time without a replica the user is told what is waited for."""

logger = logging.getLogger("evalkit")


@dataclass(frozen=True, slots=True)
class Replicas:
    """Number of replicas, the resources reserved for each, and their time limit.

    Attributes
    ----------
    count
        Number of replicas.
    cpus, gpus
        Processors and GPUs of each replica.
    timeout_s
        Longest time in which one replica must start, and in which each must finish a task.
    """

    count: int
    cpus: int = 1
    gpus: float = 0.0
    timeout_s: float = 3600.0


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
    number
        Its number on the connection.
    place
        Where it runs; None until it has started.
    heard_s
        When it last returned something or was sent its first task, in seconds of `time.monotonic`.
    queued
        Number of the task -> task, for all tasks of the replica without a result, in the order of sending.
    """

    number: int
    place: Place | None = None
    heard_s: float = 0.0
    queued: dict[int, _PendingTask] = field(default_factory=dict)

    def accepts(self, pending: _PendingTask) -> bool:
        """Return whether the replica is running and may queue the task.

        A task that was lost before is queued alone, so that another loss can be attributed to it.
        """
        must_be_alone = pending.losses > 0 or any(other.losses for other in self.queued.values())
        return self.place is not None and not (self.queued and must_be_alone)


class RayPool(WorkerPool[Worker_co]):
    """A pool of replicas with one worker each; they start with the first task and run until `shut_down`.

    A replica that is lost, with its process or its node, is replaced, and its tasks without a result are repeated on
    any free replica: at most `QUEUED_PER_REPLICA` for each loss. A task with a result is never repeated.

    Parameters
    ----------
    connection
        The cluster.
    open_worker
        Returns the worker of a replica; called on every replica.
    needs
        Number of replicas, the resources reserved for each, and their time limit.

    Attributes
    ----------
    losses
        Lost replicas and repeated tasks.
    """

    def __init__(
        self, connection: RayConnection, open_worker: Callable[[], Worker_co], needs: Replicas
    ) -> None:
        self._connection, self._open, self._needs = connection, open_worker, needs
        self._events: SimpleQueue[messages.ReplicaEvent] = SimpleQueue()
        self._replicas: dict[int, _Replica] = {}
        self._task_numbers = count()
        self._slots = needs.count
        self._failed_starts = self._losses_in_a_row = 0
        self._waiting_since_s = time.monotonic()
        self._is_shut_down = False
        self.losses = Losses()

    def each(
        self, function: Callable[[Worker_co, Task], Result], tasks: Iterable[Task]
    ) -> Iterator[CompletedTask[Task, Result]]:
        """Yield every task with its result, in order of completion.

        Raises
        ------
        ClusterError
            If no replica starts in time, too many replicas in a row are lost, or the connection is lost.
        """
        unassigned = _UnassignedTasks(tasks)
        self._waiting_since_s = time.monotonic()
        try:
            while self._assign(function, unassigned):
                yield from self._next(unassigned)
        finally:
            for replica in [one for one in self._replicas.values() if one.queued]:  # the caller stopped early
                self._remove(replica)

    def shut_down(self) -> None:
        """Kill all replicas; a thread that still waits for a task gets a `ClusterError`."""
        self._is_shut_down = True
        for replica in list(self._replicas.values()):
            self._remove(replica)
        self._events.put(messages.ConnectionLost())

    def _assign(self, function: Callable[[Any, Any], Any], unassigned: _UnassignedTasks) -> bool:
        """Send tasks to free replicas and start missing replicas; return whether any task has no result yet."""
        for queue_length in range(QUEUED_PER_REPLICA):
            for replica in self._replicas.values():
                if len(replica.queued) == queue_length and unassigned and replica.accepts(unassigned.first):
                    self._send(replica, function, unassigned.pop())
        unfinished = bool(unassigned) or any(replica.queued for replica in self._replicas.values())
        while unfinished and len(self._replicas) < self._slots:
            self._start()
        return unfinished

    def _send(self, replica: _Replica, function: Callable[[Any, Any], Any], pending: _PendingTask) -> None:
        number = next(self._task_numbers)
        call = pickle.dumps((function, pending.task))
        pending.start_s = time.perf_counter()
        if not replica.queued:
            replica.heard_s = time.monotonic()
        replica.queued[number] = pending
        self._connection.send(messages.RunTask(replica.number, number, call))

    def _start(self) -> None:
        from ray import cloudpickle  # pickles also what a script or a notebook defines

        number = self._connection.new_replica(self._events)
        self._replicas[number] = _Replica(number)
        opener = cloudpickle.dumps(self._open)
        needs, paths = self._needs, _script_folders()
        self._connection.send(messages.StartReplica(number, needs.cpus, needs.gpus, opener, paths))

    def _remove(self, replica: _Replica) -> None:
        self._replicas.pop(replica.number, None)
        self._connection.forget(replica.number)

    def _next(self, unassigned: _UnassignedTasks) -> Iterator[CompletedTask[Any, Any]]:
        """Wait for the next event of any replica; yield a task if the event completes it."""
        event = self._wait()
        if self._is_shut_down:
            raise ClusterError("the replicas were shut down before all tasks were finished")
        if isinstance(event, messages.ConnectionLost):
            raise self._connection.lost()
        replica = self._replicas.get(event.replica)
        if replica is None:  # the last words of a replica that was replaced
            return
        if isinstance(event, messages.Lost):
            yield from self._replace(replica, unassigned, event)
            return
        outcome = pickle.loads(event.outcome)  # noqa: S301 - of our own replica
        if event.task is None:
            self._note_start(replica, outcome)
            return
        self._losses_in_a_row = 0
        replica.heard_s = time.monotonic()
        pending = replica.queued.pop(event.task)
        if isinstance(outcome, Raised):
            raise outcome.error
        yield CompletedTask(pending.task, outcome, pending.start_s, time.perf_counter())

    def _wait(self) -> messages.ReplicaEvent:
        """Return the next event; where a time limit passes first, that is the event."""
        told = False
        while True:
            try:
                return self._events.get(timeout=POLL_S)
            except Empty:
                pass
            if self._connection.is_silent:
                return messages.ConnectionLost()
            running = [replica for replica in self._replicas.values() if replica.place]
            if (late := self._late(running)) is not None:
                return late
            if running:
                self._waiting_since_s = time.monotonic()
                continue
            waited_s = time.monotonic() - self._waiting_since_s
            if waited_s > self._needs.timeout_s:
                raise ClusterError(
                    f"no replica started on the Ray cluster within {self._needs.timeout_s:g} s",
                    "check with 'ray status' whether the cluster is busy, or raise execution.timeout_s",
                )
            if waited_s > BUSY_S and not told:
                told = True
                tell("waiting for the first replica on the Ray cluster, which is busy or loads the model")

    def _late(self, running: Iterable[_Replica]) -> messages.Lost | None:
        """Return the loss of a replica whose task takes too long."""
        limit_s = self._needs.timeout_s
        for replica in running:
            if replica.queued and time.monotonic() - replica.heard_s > limit_s:
                reason = f"a task took longer than {limit_s:g} s (execution.timeout_s)"
                return messages.Lost(replica.number, next(iter(replica.queued)), None, reason)
        return None

    def _note_start(self, replica: _Replica, outcome: Any) -> None:
        """Note where a replica runs, or that it could not start."""
        if isinstance(outcome, Place):
            replica.place = outcome
            return
        if not isinstance(outcome, Raised):
            raise TypeError(f"a replica started with {outcome!r}")
        self._remove(replica)
        hint = outcome.error.hint if isinstance(outcome.error, EvalkitError) else None
        self._give_up_starts(f"{said(outcome.error)} (on {outcome.node})", hint)

    def _give_up_starts(self, reason: str, hint: str | None = None) -> None:
        """Count a replica that could not start; after too many of them start no more."""
        self._failed_starts += 1
        text = f"a replica could not start on the Ray cluster: {reason}"
        logger.info("%s", text)
        if self._failed_starts < MAX_ATTEMPTS * self._needs.count:
            return
        self._slots = sum(replica.place is not None for replica in self._replicas.values())
        for replica in [one for one in self._replicas.values() if one.place is None]:
            self._remove(replica)
        if not self._slots:
            raise ClusterError(
                f"no {text[2:].replace('could not start', 'could start')}",
                hint
                or "check that evalkit, its extras and the model are on all nodes, with free disk and memory",
            )
        warnings.warn(f"{text}; the others continue", EvalkitWarning, stacklevel=2)

    def _replace(
        self, replica: _Replica, unassigned: _UnassignedTasks, loss: messages.Lost
    ) -> Iterator[CompletedTask[Any, Any]]:
        """Remove a lost replica and put its tasks back; yield tasks that were lost too often as failed.

        After its first loss a task is queued alone, so that later losses are attributed to it.
        """
        self._remove(replica)
        repeated = sum(pending.losses + 1 < MAX_ATTEMPTS for pending in replica.queued.values())
        self.losses = Losses(self.losses.workers + 1, self.losses.tasks + repeated)
        if replica.place is None:
            self._give_up_starts(loss.reason)
            return
        self._connection.keep_log = True
        what = f"{_name_of(loss, replica.place)} was lost: {loss.reason}"
        logger.info("%s; tasks to repeat: %d", what, repeated)
        self._losses_in_a_row += 1
        if self._losses_in_a_row > max(MOST_LOSSES_IN_A_ROW, MAX_ATTEMPTS * self._needs.count):
            raise ClusterError(
                f"{self._losses_in_a_row} replicas in a row were lost on the Ray cluster: {loss.reason}",
                "check that the nodes have enough memory",
            )
        warnings.warn(
            f"{what}; its unfinished tasks are repeated on the others"
            f" (messages of Ray: {self._connection.log})",
            EvalkitWarning,
            stacklevel=2,
        )
        for pending in reversed(replica.queued.values()):
            pending.losses += 1
            if pending.losses < MAX_ATTEMPTS:
                unassigned.put_back(pending)
                continue
            failure = CallError(
                "lost",
                f"{pending.losses} replicas were lost while they processed it; the last one: {loss.reason}",
                "check that the nodes have enough memory",
            )
            yield CompletedTask(pending.task, failure, pending.start_s, time.perf_counter())


def _name_of(loss: messages.Lost, place: Place) -> str:
    """Return what was lost: all replicas of a lost node have one name, so that one warning is printed for it."""
    if loss.node is not None:
        return f"the node {place.node} of the Ray cluster"
    return f"a worker of the Ray cluster (process {place.process} on {place.node})"


def _script_folders() -> tuple[str, ...]:
    """Return the folder of the script that runs, as Ray does, if modules are imported from it."""
    folder = os.path.dirname(os.path.realpath(sys.argv[0]))  # noqa: PTH120 - as sys.path has it
    return (folder,) if folder in sys.path else ()


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
