"""Worker pools of the quality and precision passes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from evalkit.config import Config, RerankerSettings
from evalkit.distributed import LocalPool, RayCluster, Replicas, WorkerPool
from evalkit.rerankers import Pooled, Reranker, open_reranker
from evalkit.reranking import RerankerSession


@contextmanager
def joined_cluster(config: Config) -> Iterator[RayCluster | None]:
    """Join the configured cluster; None where scoring is local.

    Raises
    ------
    EvalkitError
        See `RayCluster.joined`.
    """
    execution = config.execution
    if execution is None or execution.engine == "local":
        yield None
        return
    replicas = Replicas(
        execution.replicas, execution.cpus_per_replica, execution.gpus_per_replica, execution.timeout_s
    )
    with RayCluster.joined(execution.address, replicas) as cluster:
        yield cluster


@contextmanager
def pool_for(
    session: RerankerSession, settings: RerankerSettings, cluster: RayCluster | None
) -> Iterator[WorkerPool[Reranker] | None]:
    """Open the worker pool of a reranker; None where its calls are made in threads."""
    if cluster is not None and settings.spreads:
        with cluster.pool(partial(open_reranker, settings.on_replica(cluster.replicas.cpus))) as pool:
            yield pool
    elif isinstance(session.reranker, Pooled):
        yield LocalPool(session.reranker)
    else:
        yield None
