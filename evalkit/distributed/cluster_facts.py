"""What a manifest records of a Ray cluster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """A Ray cluster when it was joined, and what was lost on it since.

    Attributes
    ----------
    engine
        ``ray`` with its version.
    nodes
        Nodes that were alive.
    replicas_asked, replicas
        Replicas that the configuration asks for, and those that fit on the nodes.
    cpus_per_replica, gpus_per_replica
        Processors and GPUs reserved for each replica.
    replicas_lost, tasks_repeated
        Replicas whose process or node ended early, and the tasks that other replicas repeated because of that.
    """

    engine: str
    nodes: int
    replicas_asked: int
    replicas: int
    cpus_per_replica: int
    gpus_per_replica: float
    replicas_lost: int
    tasks_repeated: int
