"""A Ray cluster: joined, asked for replicas, left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from evalkit.errors import InputError, MissingExtraError, WorldError
from evalkit.spreading.crew import Loss
from evalkit.spreading.ray_crew import RayCrew, first_line

Hand = TypeVar("Hand")


@dataclass(frozen=True, slots=True)
class Replicas:
    """How many replicas there are to be, and what each has to itself."""

    count: int
    cpus: int = 1
    gpus: float = 0.0


class RayCluster:
    """A cluster that this process is part of; see `joined`.

    Attributes
    ----------
    loss
        What was lost so far, and done again.
    """

    def __init__(self, replicas: Replicas) -> None:
        self._replicas = replicas
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
            _join(address, replicas)
        try:
            _check_room(replicas)
            yield cls(replicas)
        finally:
            if mine:
                ray.shutdown()

    @contextmanager
    def crew(self, open_hand: Callable[[], Hand]) -> Iterator[RayCrew[Hand]]:
        """Give a crew whose hands are opened on the replicas when there is work; they end with it.

        Parameters
        ----------
        open_hand
            Called on every replica; can be pickled.
        """
        crew = RayCrew(open_hand, self._replicas.count, self._replicas.cpus, self._replicas.gpus)
        try:
            yield crew
        finally:
            crew.dismiss()
            self.loss = Loss(self.loss.hands + crew.loss.hands, self.loss.tasks + crew.loss.tasks)

    @property
    def cpus(self) -> int:
        """Processors that each replica has to itself."""
        return self._replicas.cpus

    def facts(self) -> dict[str, Any]:
        """Return what the cluster is, and what was lost on it."""
        import ray

        return {
            "engine": f"ray {ray.__version__}",
            "nodes": sum(1 for node in ray.nodes() if node["Alive"]),
            "replicas": self._replicas.count,
            "cpus_per_replica": self._replicas.cpus,
            "gpus_per_replica": self._replicas.gpus,
            "replicas_lost": self.loss.hands,
            "tasks_repeated": self.loss.tasks,
        }


def _join(address: str, replicas: Replicas) -> None:
    import ray

    quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
    try:
        if address == "local":
            gpus = {"num_gpus": -int(-replicas.gpus * replicas.count // 1)} if replicas.gpus else {}
            ray.init(
                address="local",
                num_cpus=replicas.count * replicas.cpus,
                include_dashboard=False,
                **gpus,
                **quiet,
            )
        else:
            ray.init(address=address, **quiet)
    except (ConnectionError, ray.exceptions.RayError, RuntimeError, ValueError) as error:
        raise WorldError(
            f"cannot join the Ray cluster {address!r}: {first_line(error)}",
            "start one with 'ray start --head', or use address: local; processes of one cluster share"
            " RAY_AUTH_TOKEN",
        ) from None


def _check_room(replicas: Replicas) -> None:
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(n.get("CPU", 0) >= replicas.cpus and n.get("GPU", 0) >= replicas.gpus for n in nodes):
        largest = ", ".join(f"{n.get('CPU', 0):g} processors and {n.get('GPU', 0):g} GPUs" for n in nodes)
        raise InputError(
            f"a replica needs {replicas.cpus} processors and {replicas.gpus:g} GPUs,"
            f" and no node of the Ray cluster has them; its nodes have {largest}",
            "lower cpus_per_replica or gpus_per_replica",
        )
