"""Run tasks on workers: one worker in this process, or the actors of a Ray cluster.

Importing this package does not import ray.
"""

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
