"""Who scores for a reranker in the quality pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from evalkit.config import Config, RerankerSettings
from evalkit.distributed import Alone, Crew, RayCluster, Replicas
from evalkit.rerankers import Pooled, Reranker, open_reranker
from evalkit.reranking import Arm


@contextmanager
def joined_cluster(config: Config) -> Iterator[RayCluster | None]:
    """Join the cluster that an experiment names; None where it names none.

    Raises
    ------
    EvalkitError
        See `RayCluster.joined`.
    """
    execution = config.execution
    if execution is None or execution.engine == "local":
        yield None
        return
    replicas = Replicas(execution.replicas, execution.cpus_per_replica, execution.gpus_per_replica)
    with RayCluster.joined(execution.address, replicas) as cluster:
        yield cluster


@contextmanager
def crew_for(
    arm: Arm, settings: RerankerSettings, cluster: RayCluster | None
) -> Iterator[Crew[Reranker] | None]:
    """Give the crew that scores for a reranker; None where calls go out in threads."""
    if cluster is not None and settings.spreads:
        with cluster.crew(partial(open_reranker, settings.on_replica(cluster.replicas.cpus))) as crew:
            yield crew
    elif isinstance(arm.reranker, Pooled):
        yield Alone(arm.reranker)
    else:
        yield None
