"""A Ray cluster: joined, asked for replicas, left."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from evalkit.distributed.ray_pool import RayPool, first_line
from evalkit.distributed.worker_pool import Loss
from evalkit.errors import InputError, MissingExtraError, WorldError

Worker = TypeVar("Worker")
CONNECT_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Replicas:
    """How many replicas there are to be, and what each has to itself."""

    count: int
    cpus: int = 1
    gpus: float = 0.0


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


class RayCluster:
    """A cluster that this process is part of; see `joined`.

    Attributes
    ----------
    replicas
        What there is room for: fewer than were asked for where the cluster is smaller.
    loss
        What was lost so far, and done again.
    """

    def __init__(self, asked: Replicas) -> None:
        nodes = _living_nodes()
        self._asked, self._nodes = asked.count, len(nodes)
        self.replicas = replace(asked, count=min(asked.count, _room(nodes, asked)))
        self.loss = Loss()

    @classmethod
    @contextmanager
    def joined(cls, address: str, replicas: Replicas) -> Iterator[RayCluster]:
        """Join a cluster, and leave it at the end; one of this process's own ends then.

        Parameters
        ----------
        address
            ``auto``: the cluster of this machine; ``local``: one of this process's own; else an address.
        replicas
            What will be asked of it.

        Raises
        ------
        MissingExtraError
            If ray is not installed.
        WorldError
            If there is no such cluster, or it lets nobody in.
        InputError
            If no node of it has what one replica needs.
        """
        try:
            import ray
        except ImportError:
            raise MissingExtraError("engine: ray", "ray") from None
        mine = not ray.is_initialized()
        if mine:
            _join(address)
        try:
            yield cls(replicas)
        finally:
            if mine:
                ray.shutdown()

    @contextmanager
    def pool(
        self, open_worker: Callable[[], Worker], replicas: Replicas | None = None
    ) -> Iterator[RayPool[Worker]]:
        """Give a crew whose hands are opened on the replicas when there is work; they end with it.

        Parameters
        ----------
        open_worker
            Called on every replica; can be pickled.
        replicas
            How many; those that the cluster was joined for where None.
        """
        chosen = replicas or self.replicas
        pool = RayPool(open_worker, chosen.count, chosen.cpus, chosen.gpus)
        try:
            yield pool
        finally:
            pool.dismiss()
            self.loss = Loss(self.loss.workers + pool.loss.workers, self.loss.tasks + pool.loss.tasks)

    def check_room(self, wanted: Replicas) -> None:
        """Refuse what the cluster has no room for.

        Raises
        ------
        InputError
            If it has not.
        """
        room = _room(_living_nodes(), wanted)
        if room < wanted.count:
            raise InputError(
                f"{wanted.count} replicas of {wanted.cpus} processors are needed, and the Ray cluster has room"
                f" for {room}",
                "ask for fewer, or add nodes",
            )

    def facts(self) -> ClusterFacts:
        """Return the size of the cluster when it was joined, and what was lost on it since."""
        import ray

        return ClusterFacts(
            engine=f"ray {ray.__version__}",
            nodes=self._nodes,
            replicas_asked=self._asked,
            replicas=self.replicas.count,
            cpus_per_replica=self.replicas.cpus,
            gpus_per_replica=self.replicas.gpus,
            replicas_lost=self.loss.workers,
            tasks_repeated=self.loss.tasks,
        )


def _join(address: str) -> None:
    """Join a cluster, or raise why that cannot be done."""
    import ray

    quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
    try:
        if address == "local":
            ray.init(address="local", include_dashboard=False, **quiet)
            return
        host, colon, port = address.rpartition(":")
        if colon and port.isdigit() and "://" not in address:
            # Ray itself would go on trying for minutes.
            socket.create_connection((host, int(port)), CONNECT_LIMIT_S).close()
        ray.init(address=address, **quiet)
    except (OSError, ray.exceptions.RayError, RuntimeError, ValueError) as error:
        raise WorldError(
            f"cannot join the Ray cluster {address!r}: {first_line(error)}",
            "start one with 'ray start --head', or use address: local; processes of one cluster share"
            " RAY_AUTH_TOKEN",
        ) from None


def _living_nodes() -> list[dict[str, Any]]:
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _room(nodes: Sequence[Mapping[str, float]], wanted: Replicas) -> int:
    """Return how many replicas some nodes hold.

    Raises
    ------
    InputError
        If they hold none.
    """
    needs = {"CPU": wanted.cpus, "GPU": wanted.gpus}
    room = sum(
        min(int(node.get(name, 0) // amount) for name, amount in needs.items() if amount) for node in nodes
    )
    if not room:
        largest = ", ".join(f"{n.get('CPU', 0):g} processors and {n.get('GPU', 0):g} GPUs" for n in nodes)
        raise InputError(
            f"a replica needs {wanted.cpus} processors and {wanted.gpus:g} GPUs,"
            f" and no node of the Ray cluster has them: {largest}",
            "lower cpus_per_replica or gpus_per_replica",
        )
    return room
