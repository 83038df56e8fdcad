"""Run tasks on workers: one worker in this process, or the actors of a Ray cluster.

Importing this package does not import ray. The connection to a cluster is held by a process of its own (`ray_driver`),
because Ray ends the process that is connected to a lost head, and prints to its terminal.

What is scored twice, as `Losses` counts it: of a lost replica at most its `QUEUED_PER_REPLICA` tasks in flight, of
which one was being worked on. A task that is lost with `MAX_ATTEMPTS` replicas is split and its parts are repeated, so
that only the part that is the cause fails. A run that is stopped, or whose cluster is lost, repeats the tasks in flight
on all replicas when it is resumed. Texts that are embedded ahead are stored when their lists are scored: a stopped run
embeds them again.
"""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.distributed.ray_cluster import ClusterFacts, RayCluster
    from evalkit.distributed.ray_pool import RayPool, Replicas
    from evalkit.distributed.worker_pool import (
        CompletedTask,
        LocalPool,
        Losses,
        WorkerPool,
        each_with_split_retry,
    )

__all__ = [
    "ClusterFacts",
    "CompletedTask",
    "LocalPool",
    "Losses",
    "RayCluster",
    "RayPool",
    "Replicas",
    "WorkerPool",
    "each_with_split_retry",
]

__getattr__ = load_on_use(__name__)
