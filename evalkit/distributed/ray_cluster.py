"""Connect to a Ray cluster, start replicas on it, and disconnect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from evalkit.distributed.cluster_facts import ClusterFacts
from evalkit.distributed.ray_connection import RayConnection
from evalkit.distributed.ray_pool import RayPool, Replicas
from evalkit.distributed.worker_pool import Losses
from evalkit.errors import InputError

Worker = TypeVar("Worker")


class RayCluster:
    """A Ray cluster that this process is connected to; see `joined`.

    Attributes
    ----------
    replicas
        Replicas that the cluster has resources for; may be fewer than requested.
    losses
        Replicas lost so far, and tasks repeated because of it.
    """

    def __init__(self, connection: RayConnection, requested: Replicas) -> None:
        self._connection = connection
        nodes = connection.nodes()
        self._requested, self._nodes = requested.count, len(nodes)
        self.replicas = replace(requested, count=min(requested.count, _capacity(nodes, requested)))
        self.losses = Losses()

    @classmethod
    @contextmanager
    def joined(cls, address: str, replicas: Replicas) -> Iterator[RayCluster]:
        """Connect to a cluster, and disconnect at the end; a cluster started here is shut down.

        Parameters
        ----------
        address
            ``auto``: the cluster of this machine; ``local``: start a new one; else the address of a cluster.
        replicas
            The replicas that the caller will request.

        Raises
        ------
        InputError
            If no node has the resources of one replica; see `RayConnection` for other errors.
        """
        connection = RayConnection.joined(address)
        try:
            yield cls(connection, replicas)
        finally:
            connection.close()

    @contextmanager
    def pool(
        self, open_worker: Callable[[], Worker], replicas: Replicas | None = None
    ) -> Iterator[RayPool[Worker]]:
        """Return a pool of workers on replicas; the replicas start with the first task and end with the context.

        Parameters
        ----------
        open_worker
            Returns the worker of a replica; called on every replica, so it must be picklable.
        replicas
            Replicas of the pool; those of the cluster if None. The time limit is always the cluster's.
        """
        needs = replace(replicas or self.replicas, timeout_s=self.replicas.timeout_s)
        pool = RayPool(self._connection, open_worker, needs)
        try:
            yield pool
        finally:
            pool.shut_down()
            self.losses = Losses(
                self.losses.workers + pool.losses.workers, self.losses.tasks + pool.losses.tasks
            )

    def check_capacity(self, wanted: Replicas) -> None:
        """Check that the cluster has the resources for some replicas.

        Raises
        ------
        InputError
            If it does not.
        """
        capacity = _capacity(self._connection.nodes(), wanted)
        if capacity < wanted.count:
            raise InputError(
                f"the Ray cluster has resources for {capacity} of {wanted.count} replicas"
                f" ({wanted.cpus} CPUs each)",
                "lower replicas or cpus_per_replica, or add nodes",
            )

    def facts(self) -> ClusterFacts:
        """Return the size of the cluster when it was joined, and what was lost on it since."""
        return ClusterFacts(
            engine=f"ray {self._connection.version}",
            nodes=self._nodes,
            replicas_asked=self._requested,
            replicas=self.replicas.count,
            cpus_per_replica=self.replicas.cpus,
            gpus_per_replica=self.replicas.gpus,
            replicas_lost=self.losses.workers,
            tasks_repeated=self.losses.tasks,
        )


def _capacity(nodes: Sequence[Mapping[str, float]], wanted: Replicas) -> int:
    """Return how many replicas the nodes have resources for.

    Raises
    ------
    InputError
        If no node has the resources of one replica.
    """
    needs = {"CPU": wanted.cpus, "GPU": wanted.gpus}
    capacity = sum(
        min(int(node.get(name, 0) // amount) for name, amount in needs.items() if amount) for node in nodes
    )
    if not capacity:
        available = ", ".join(f"{n.get('CPU', 0):g} CPUs and {n.get('GPU', 0):g} GPUs" for n in nodes)
        raise InputError(
            f"no node of the Ray cluster has the {wanted.cpus} CPUs and {wanted.gpus:g} GPUs of a"
            f" replica: {available}",
            "lower cpus_per_replica or gpus_per_replica",
        )
    return capacity
