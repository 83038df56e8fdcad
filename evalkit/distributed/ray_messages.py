"""The messages between evalkit and the process that holds the connection to a Ray cluster.

What is called and what is returned are bytes: only evalkit and the replicas unpickle them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Join:
    """Connect to a cluster: the first message.

    Attributes
    ----------
    address
        See `RayCluster.joined`.
    """

    address: str


@dataclass(frozen=True, slots=True)
class StartReplica:
    """Start a replica.

    Attributes
    ----------
    replica
        Its number, which no other replica of the connection has.
    cpus, gpus
        Processors and GPUs reserved for it.
    opener
        The pickled function that returns its worker.
    paths
        Folders from which the function is imported, in addition to those of the node.
    """

    replica: int
    cpus: int
    gpus: float
    opener: bytes
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunTask:
    """Run a task on a replica: a pickled function with its argument."""

    replica: int
    task: int
    call: bytes


@dataclass(frozen=True, slots=True)
class KillReplica:
    """Kill a replica."""

    replica: int


@dataclass(frozen=True, slots=True)
class ListNodes:
    """Request the nodes; the answer is a `Nodes`."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The connection is made, with this version of Ray."""

    version: str


@dataclass(frozen=True, slots=True)
class NotJoined:
    """The connection failed; why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Nodes:
    """The resources of each node that is alive: resource name -> amount."""

    resources: tuple[Mapping[str, float], ...]


@dataclass(frozen=True, slots=True)
class Alive:
    """The head of the cluster answered: sent every few seconds."""


@dataclass(frozen=True, slots=True)
class Returned:
    """A replica started (`task` is None) or finished a task; with the pickled outcome, see `ReplicaActor`."""

    replica: int
    task: int | None
    outcome: bytes


@dataclass(frozen=True, slots=True)
class Lost:
    """A replica ended before it started (`task` is None) or finished a task.

    Attributes
    ----------
    node
        The address of its node if the node was lost, too; None if only the process is known to be lost.
    reason
        What Ray says, on one line.
    """

    replica: int
    task: int | None
    node: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """No more messages will come."""


Request = Join | StartReplica | RunTask | KillReplica | ListNodes
ReplicaEvent = Returned | Lost | ConnectionLost
Event = Joined | NotJoined | Nodes | Alive | ReplicaEvent
