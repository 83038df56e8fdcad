"""Replicas on real Ray clusters: of this machine, and of two nodes of which one is killed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support import workers
from support.command import ROOT, evalkit_process, only_folder, start_evalkit
from support.ray_nodes import two_nodes

from evalkit.config import validate_block
from evalkit.datasets import load_dataset
from evalkit.distributed import RayCluster, Replicas
from evalkit.errors import CallError, ClusterError, InputError, WorldError
from evalkit.results import ResultFolder
from evalkit.retrievers import open_retriever, retriever_context

# Lets every process of these clusters in; Ray reads it once in a process, when it is imported.
os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "for-these-tests-alone-" * 2}
ray = pytest.importorskip("ray", reason="needs the ray extra")
pytestmark = pytest.mark.filterwarnings("default")

CONFIG = """
name: spread
datasets: [demo]
rerankers: {mine: {backend: lexical}}
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    """Return a cluster whose workers can import what they are given to do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT / "tests"))
        with two_nodes() as (address, _), RayCluster.joined(address, Replicas(2)) as joined:
            # Its second node has another address of the head, and Ray takes any for "auto" if none is named.
            patch.setenv("RAY_ADDRESS", address)
            yield joined


def results(cluster: RayCluster, do: Any, tasks: list[Any], opened: Any = workers.open_ten) -> dict[Any, Any]:
    """Return task -> result, of a crew of its own."""
    with cluster.pool(opened) as pool:
        done = [(work.task, work.result) for work in pool.each(do, tasks)]
    assert len(done) == len(tasks), "every task has one result"
    return dict(done)


def test_every_task_is_done_once_and_a_failure_is_a_result(cluster: RayCluster) -> None:
    """Results belong to their tasks; a task that fails has its failure, whole, and stops no other."""
    found = results(cluster, workers.add, list(range(20)))
    failure = found.pop(13)
    assert found == {task: 10 + task for task in range(20) if task != 13}
    assert isinstance(failure, CallError)
    assert (failure.kind, failure.hint) == ("memory", "use 12")


def test_a_killed_replica_costs_nothing_but_time(cluster: RayCluster, tmp_path: Path) -> None:
    """Replicas that are killed are replaced; what they had is done by others, and counted as repeated."""
    before = cluster.losses
    tasks = [(number, str(tmp_path / str(number))) for number in range(4)]
    assert results(cluster, workers.die_once, tasks) == {task: 10 + task[0] for task in tasks}
    assert cluster.losses.workers - before.workers == 4
    assert cluster.losses.tasks - before.tasks >= 4


def test_a_task_that_kills_has_failed(cluster: RayCluster) -> None:
    """A task with which one replica after the other is lost is given up, and named; the others are done."""
    found = results(cluster, workers.die_at_seven, list(range(12)))
    failure = found.pop(7)
    assert found == {task: 10 + task for task in range(12) if task != 7}
    assert isinstance(failure, CallError)
    assert failure.kind == "lost"


def test_what_cannot_be_opened_is_reported_as_it_is_here(cluster: RayCluster) -> None:
    """What cannot be opened on any node is one line with the reason, the node and the hint of here."""
    with pytest.raises(ClusterError, match=r"no replica could start .*: there is no such model") as raised:
        results(cluster, workers.add, [1], workers.open_nothing)
    assert raised.value.hint == "use another"


def test_a_cluster_too_small_is_reported(cluster: RayCluster) -> None:
    """What no node has is an error; of what there is room for in part, that part is used."""
    del cluster  # it is joined already
    with (
        pytest.raises(InputError, match="no node of the Ray cluster has the 999 CPUs"),
        RayCluster.joined("auto", Replicas(1, cpus=999)),
    ):
        pass
    with RayCluster.joined("auto", Replicas(10_000)) as small:
        facts = small.facts()
    assert facts.replicas_asked == 10_000
    assert 1 <= facts.replicas < 10_000


@pytest.mark.parametrize("shards", [1, 2])
def test_a_first_stage_in_parts_finds_what_one_index_finds(cluster: RayCluster, shards: int) -> None:
    """BM25 whose parts are held by workers gives the same lists with the same scores, bit for bit."""
    dataset = load_dataset("demo")
    settings = validate_block("retriever kind", {"kind": "bm25", "shards": shards})
    alone = open_retriever(settings, dataset).retrieve(dataset.queries, 20)  # type: ignore[arg-type]
    with retriever_context(settings, dataset, cluster) as retriever:  # type: ignore[arg-type]
        spread = retriever.retrieve(dataset.queries, 20)
    assert spread.query_ids == alone.query_ids
    assert spread.doc_ids == alone.doc_ids
    assert np.array_equal(spread.scores, alone.scores)


def test_more_parts_than_workers_are_refused(cluster: RayCluster) -> None:
    """Each part needs a processor: what the cluster cannot hold is reported before anything is counted."""
    settings = validate_block("retriever kind", {"kind": "bm25", "shards": 5000})
    with (
        pytest.raises(InputError, match="the Ray cluster has resources for 2 of 5000 replicas"),
        retriever_context(settings, load_dataset("demo"), cluster),  # type: ignore[arg-type]
    ):
        pass


def test_no_cluster_is_one_line(tmp_path: Path) -> None:
    """An address where no one answers fails within seconds, before anything is run."""
    (tmp_path / "c.yaml").write_text(CONFIG, encoding="utf-8")
    execution = 'execution={engine: ray, address: "127.0.0.1:9"}'
    done = evalkit_process("run", "c.yaml", "--set", execution, "--into", "out", cwd=tmp_path)
    assert done.returncode == WorldError.exit_code
    assert done.stderr.startswith("error: cannot join the Ray cluster '127.0.0.1:9'")
    assert not (tmp_path / "out").exists()


def scores(folder: ResultFolder) -> pd.DataFrame:
    """Return the raw scores in one order."""
    keys = ["dataset", "reranker", "query_id", "doc_id"]
    return pd.read_parquet(folder.scores_file).sort_values(keys).reset_index(drop=True)


def test_a_killed_node_changes_no_score(tmp_path: Path) -> None:
    """Of two nodes one is killed in the middle of the pass: the result is that of one process, bit for bit.

    What had been committed is not asked for again.
    """
    (tmp_path / "c.yaml").write_text(CONFIG, encoding="utf-8")
    assert evalkit_process("run", "c.yaml", "--into", "alone", cwd=tmp_path).returncode == 0
    with two_nodes() as (address, kill):
        execution = f'execution={{engine: ray, address: "{address}", replicas: 2}}'
        words = ["run", "c.yaml", "--set", execution, "--into", "spread"]
        run = start_evalkit(*words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=None)
        committed = _wait_for_scores(tmp_path / "spread" / "scores.sqlite")
        kill()
        assert run.wait(300) == 0
    alone, spread = (ResultFolder.open(only_folder(tmp_path / name)) for name in ("alone", "spread"))
    expected, found = scores(alone), scores(spread)
    assert np.array_equal(expected["doc_id"], found["doc_id"])
    assert np.array_equal(expected["score"], found["score"]), "bit for bit"
    manifest = spread.read_manifest()
    (pairs,) = manifest["pairs"]
    assert 0 < committed <= pairs["scored"] == pairs["asked"], "no committed pair is scored again"
    said = f"committed at the kill: {committed} of {pairs['asked']}; {manifest['execution']}"
    print(f"\n{said}")  # noqa: T201 - figures of repeated work, shown with -s


def _wait_for_scores(store: Path) -> int:
    """Return how many scores are committed, as soon as there are any."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if store.is_file():
            with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as connection:
                try:
                    (count,) = connection.execute("select count(*) from scores").fetchone()
                except sqlite3.OperationalError:
                    count = 0
            if count:
                return int(count)
        time.sleep(0.05)
    raise AssertionError("nothing was committed in time")
