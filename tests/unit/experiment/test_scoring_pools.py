"""Where the calls of a pass are made: in threads, in a pool of this process, or on a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import pytest
from support.checked import Backend
from support.experiments import api, config_for

from evalkit.distributed import LocalPool, RayCluster, Replicas, WorkerPool
from evalkit.experiment import scoring_pools
from evalkit.experiment.scoring_pools import joined_cluster, pool_for
from evalkit.rerankers import Reranker
from evalkit.reranking import RerankerSession

MODEL = {"backend": "cross_encoder", "model": "any/model"}


class PooledBackend(Backend):
    """A backend that scores several requests at once."""

    pool_pairs = 4

    def score_many(self, requests: Any) -> Any:
        """Score many."""
        return [self.score(one) for one in requests]


class Cluster:
    """A cluster that records what its workers open."""

    replicas = Replicas(2, 3, 0)

    def __init__(self) -> None:
        self.made: list[partial[Reranker]] = []
        self.open = False

    @contextmanager
    def pool(self, make: partial[Reranker]) -> Iterator[WorkerPool[Reranker]]:
        """Open a pool while the block runs."""
        self.made.append(make)
        self.open = True
        yield LocalPool(PooledBackend())
        self.open = False


@pytest.mark.parametrize("more", [{}, {"execution": {"engine": "local"}}], ids=str)
def test_local_scoring_joins_no_cluster(more: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """None without an execution block, and with one that says so."""
    monkeypatch.setattr(RayCluster, "joined", None)
    with joined_cluster(config_for({"a": api()}, **more)) as cluster:
        assert cluster is None


def test_a_cluster_is_joined_with_its_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the configured address, with the configured processors, and left at the end."""
    events: list[Any] = []

    @contextmanager
    def joined(address: str | None, replicas: Replicas) -> Iterator[str]:
        events.append((address, replicas))
        yield "cluster"
        events.append("left")

    monkeypatch.setattr(scoring_pools.RayCluster, "joined", joined)
    execution = {"engine": "ray", "address": "auto", "replicas": 2, "cpus_per_replica": 3, "timeout_s": 9}
    with joined_cluster(config_for({"a": MODEL}, execution=execution)) as cluster:
        assert cast("Any", cluster) == "cluster"
    assert events == [("auto", Replicas(2, 3, 0, 9)), "left"]


def test_calls_are_made_in_threads_unless_the_backend_pools_them() -> None:
    """A pooled backend has one worker in this process: the backend itself."""
    settings = config_for({"a": api()}).rerankers["a"]
    with pool_for(RerankerSession("a", Backend()), settings, None) as pool:
        assert pool is None
    pooled = PooledBackend()
    with pool_for(RerankerSession("a", pooled), settings, None) as pool:
        assert isinstance(pool, LocalPool)
        (done,) = pool.each(lambda worker, _task: worker is pooled, [0])
        assert done.result is True


def test_a_cluster_scores_for_local_models_only() -> None:
    """Its workers open the same model, with the processors of a replica; an API is called from here."""
    cluster, config = Cluster(), config_for({"model": MODEL, "api": api()})
    with pool_for(
        RerankerSession("api", Backend()), config.rerankers["api"], cast("RayCluster", cluster)
    ) as pool:
        assert pool is None
    assert not cluster.made
    session = RerankerSession("model", PooledBackend())
    with pool_for(session, config.rerankers["model"], cast("RayCluster", cluster)) as pool:
        assert cluster.open
        assert pool is not None
    assert not cluster.open
    (opened,) = cluster.made
    assert opened.args == (config.rerankers["model"].on_replica(3),)
