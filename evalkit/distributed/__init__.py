"""Work spread over whoever does it: this process, or the actors of a Ray cluster.

Importing it imports no ray.
"""

from evalkit.distributed.ray_cluster import ClusterFacts, RayCluster, Replicas
from evalkit.distributed.ray_pool import RayPool
from evalkit.distributed.worker_pool import LocalPool, Loss, Work, WorkerPool, each_or_parts

__all__ = [
    "ClusterFacts",
    "LocalPool",
    "Loss",
    "RayCluster",
    "RayPool",
    "Replicas",
    "Work",
    "WorkerPool",
    "each_or_parts",
]
