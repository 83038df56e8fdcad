"""Attacks on runs over a Ray cluster: the scores are those of one process, or the failure has a name.

Whatever happens, nothing that Ray prints is on the terminal, no actor is left behind, and what is scored twice is at
most what was in flight on what was lost.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support import workers
from support.command import only_folder, start_evalkit
from support.ray_backend import FATAL, installed, scored
from support.ray_nodes import Nodes, child_processes, running_nodes

from evalkit.distributed import RayCluster, Replicas, ray_connection
from evalkit.errors import ClusterError, WorldError
from evalkit.results import ResultFolder

# Lets every process of these clusters in; Ray reads it once in a process, when it is imported.
os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "for-these-tests-alone-" * 2}
ray = pytest.importorskip("ray", reason="needs the ray extra")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]

QUERIES = 108
TASK = 12
"""Lists in a task, at most: 40 pairs of up to 5 documents each."""
IN_FLIGHT = 2 * TASK
"""Lists in flight on a replica, at most."""
ENDED_S = 120
FAST_S, SLOW_S = 0.1, 0.3
CONFIG = """\
name: attacked
datasets: [demo]
depths: [5]
rerankers:
  fragile: {{backend: fragile, log: {log}, fault: {fault}, seconds: {seconds}, together: {together}}}
"""
SAID = re.compile(r"((note|warning|error): |  \S|.*pair)")
OF_RAY = ("raylet", "pid=", "marked dead", "node_id", "rpc_", "ReplicaActor", "ray.io", "Traceback")


@dataclass(frozen=True)
class Run:
    """A configuration in a folder of its own, and what becomes of it."""

    folder: Path

    def start(
        self, address: str | None, fault: str = "none", seconds: float = FAST_S, more: str = "", **env: str
    ) -> subprocess.Popen[str]:
        """Start the run, on a cluster or without one; a slow one scores on both replicas."""
        together = 1 if fault != "none" or seconds == FAST_S else 2
        text = CONFIG.format(log=self.log, fault=fault, seconds=seconds, together=together)
        if address is not None:
            text += f"execution: {{engine: ray, address: '{address}', replicas: 2{more}}}\n"
        self.log.mkdir(parents=True, exist_ok=True)
        (self.folder / "c.yaml").write_text(text, encoding="utf-8")
        return start_evalkit("run", "c.yaml", "--into", "out", cwd=self.folder, env={**os.environ, **env})

    def end(self, process: subprocess.Popen[str], code: int) -> list[str]:
        """Wait for the end with an exit code; return the lines on the terminal, all of which are evalkit's."""
        try:
            _, text = process.communicate(timeout=ENDED_S)
        finally:
            process.kill()
        lines = [line for line in text.replace("\r", "\n").splitlines() if line.strip()]
        assert process.returncode == code, text
        assert not [line for line in lines if not SAID.match(line)], text
        assert not [word for word in OF_RAY if word in text], text
        return [line for line in lines if "pair" not in line]

    def until_scored(self, replicas: int) -> None:
        """Wait until so many replicas have scored."""
        deadline = time.monotonic() + ENDED_S
        while len(list(self.log.glob("*.scored"))) < replicas:
            assert time.monotonic() < deadline, "replicas start"
            time.sleep(0.05)

    @property
    def log(self) -> Path:
        """The folder in which replicas write down what they score."""
        return self.folder / "log"

    @property
    def twice(self) -> int:
        """How many lists were scored again."""
        counts = scored(self.log)
        return counts.total() - len(counts)

    @property
    def result(self) -> ResultFolder:
        """The result folder."""
        return ResultFolder.open(only_folder(self.folder / "out"))

    def scores(self) -> pd.DataFrame:
        """Return the scores in one order."""
        frame = pd.read_parquet(self.result.scores_file, columns=["query_id", "doc_id", "reranker", "score"])
        frame = frame[frame["reranker"] == "fragile"]
        return frame.sort_values(["query_id", "doc_id"]).reset_index(drop=True)


@pytest.fixture(scope="module", autouse=True)
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", installed(tmp_path_factory.mktemp("site")))
        yield


@pytest.fixture(scope="module")
def nodes(_site: None) -> Iterator[Nodes]:
    """Return a cluster that every test leaves as it was."""
    with running_nodes() as started:
        yield started


@pytest.fixture(scope="module")
def alone(_site: None, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Return the scores of one process without Ray."""
    run = Run(tmp_path_factory.mktemp("alone"))
    run.end(run.start(None), 0)
    return run.scores()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a run of its own."""
    return Run(tmp_path)


def same(run: Run, alone: pd.DataFrame) -> None:
    """Check that a run has the scores of one process, bit for bit, and a score for every pair."""
    found = run.scores()
    assert found["doc_id"].tolist() == alone["doc_id"].tolist()
    assert np.array_equal(found["score"], alone["score"])


def losses(said: list[str]) -> list[str]:
    """Return the warnings on lost workers and nodes."""
    return [line for line in said if re.match(r"warning: (a worker|the node) .* was lost", line)]


@pytest.mark.attack("cluster", "a worker is killed (SIGKILL) in the middle of a task")
def test_a_killed_worker_costs_its_tasks(run: Run, nodes: Nodes, alone: pd.DataFrame) -> None:
    """One warning, the same scores, and at most its two tasks are scored twice; the manifest counts them."""
    said = run.end(run.start(nodes.address, "killed once"), 0)
    same(run, alone)
    assert len(losses(said)) == 1, said
    execution = run.result.read_manifest()["execution"]
    assert execution["replicas_lost"] == 1
    assert 0 < run.twice <= execution["tasks_repeated"] * TASK <= IN_FLIGHT


@pytest.mark.attack("cluster", "a worker hangs in a task")
def test_a_hanging_worker_is_replaced(run: Run, nodes: Nodes, alone: pd.DataFrame) -> None:
    """After `timeout_s` it is lost: one warning that says so, the same scores."""
    said = run.end(run.start(nodes.address, "hangs once", more=", timeout_s: 4"), 0)
    same(run, alone)
    (warning,) = losses(said)
    assert "a task took longer than 4 s" in warning
    assert 0 < run.twice <= IN_FLIGHT


@pytest.mark.attack("cluster", "disk full on a worker")
@pytest.mark.parametrize("fault", ["disk full once", "disk full"])
def test_a_full_disk_is_named(run: Run, nodes: Nodes, alone: pd.DataFrame, fault: str) -> None:
    """Where it passes, the task is repeated in parts; where it stays, every query has failed by name."""
    for_ever = fault == "disk full"
    run.end(run.start(nodes.address, fault), WorldError.exit_code if for_ever else 0)
    if not for_ever:
        same(run, alone)
        assert 0 < run.twice <= TASK
        return
    failed = [json.loads(line) for line in run.result.failures_file.read_text("utf-8").splitlines()]
    assert len({one["query_id"] for one in failed}) == QUERIES
    assert all("No space left on device: '/cache/model.bin'" in one["message"] for one in failed)


@pytest.mark.attack("cluster", "no process of a node can write a file (limit of 200 bytes)")
def test_a_node_that_cannot_write(run: Run, alone: pd.DataFrame) -> None:
    """The node's tasks are done there or elsewhere: the same scores. Its cluster is of no use afterwards."""
    with running_nodes() as nodes:
        for process in nodes.processes[1]["raylet"]:
            resource.prlimit(process, resource.RLIMIT_FSIZE, (200, 200))
        run.end(run.start(nodes.address), 0)
    same(run, alone)


@pytest.mark.attack("cluster", "no worker can start: no model, no package, a process that ends")
@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ("no model", "No such file or directory: '/models/mine' (on "),
        ("dies at start", "its worker process has died"),
    ],
)
def test_workers_that_cannot_start_are_named(run: Run, nodes: Nodes, fault: str, named: str) -> None:
    """One line with the reason, and how to resume."""
    said = run.end(run.start(nodes.address, fault), WorldError.exit_code)
    (error,) = [line for line in said if line.startswith("error: ")]
    assert "no replica could start on the Ray cluster" in error
    assert named in error
    assert "resume with: evalkit run" in said[-1]
    assert run.result.read_manifest()["status"] == "incomplete"


@pytest.mark.attack("cluster", "workers hang while they start")
def test_workers_that_hang_at_start_are_given_up(run: Run, nodes: Nodes) -> None:
    """After `timeout_s` the run ends with a named failure."""
    said = run.end(run.start(nodes.address, "hangs at start", more=", timeout_s: 4"), WorldError.exit_code)
    assert any("no replica started on the Ray cluster within 4 s" in line for line in said)


@pytest.mark.attack("cluster", "one query kills every worker that scores it")
def test_a_fatal_query_fails_alone(run: Run, nodes: Nodes, alone: pd.DataFrame) -> None:
    """Only this query has failed, by name; the others of its task have the scores of one process."""
    said = run.end(run.start(nodes.address, "kills at one query"), WorldError.exit_code)
    (failure,) = [json.loads(line) for line in run.result.failures_file.read_text("utf-8").splitlines()]
    assert (failure["query_id"], failure["kind"]) == (FATAL, "lost")
    others = alone[alone["query_id"] != FATAL]
    assert np.array_equal(run.scores()["score"], others["score"])
    assert len(losses(said)) == run.result.read_manifest()["execution"]["replicas_lost"]


def _workers(nodes: Nodes) -> list[int]:
    return [process for node in range(2) for process in nodes.workers(node)]


def _of_ray(process: subprocess.Popen[str]) -> int:
    (driver,) = child_processes(process.pid)
    return driver


@pytest.mark.attack("cluster", "the run is interrupted, killed, or its Ray process is killed; then resumed")
@pytest.mark.parametrize(
    ("stop", "code"),
    [
        pytest.param(lambda process: process.send_signal(signal.SIGINT), 130, id="SIGINT"),
        pytest.param(lambda process: process.kill(), -signal.SIGKILL, id="SIGKILL"),
        pytest.param(lambda process: os.kill(_of_ray(process), signal.SIGKILL), 3, id="its Ray process"),
    ],
)
def test_a_stopped_run_leaves_no_actor_and_resumes(
    run: Run,
    nodes: Nodes,
    alone: pd.DataFrame,
    stop: Callable[[subprocess.Popen[str]], None],
    code: int,
) -> None:
    """All actors end; the resumed run scores again only what was in flight on the two replicas."""
    process = run.start(nodes.address, seconds=SLOW_S)
    run.until_scored(2)
    stop(process)
    run.end(process, code)
    deadline = time.monotonic() + ENDED_S
    while _workers(nodes):
        assert time.monotonic() < deadline, "actors are left"
        time.sleep(0.1)
    run.end(run.start(nodes.address, seconds=SLOW_S), 0)
    same(run, alone)
    assert run.twice <= 2 * IN_FLIGHT


@pytest.mark.attack("cluster", "two runs share a cluster that has room for one")
def test_two_runs_share_a_cluster(tmp_path: Path, nodes: Nodes, alone: pd.DataFrame) -> None:
    """Both have the scores of one process; nothing is scored twice."""
    runs = [Run(tmp_path / name) for name in ("first", "second")]
    processes = [run.start(nodes.address) for run in runs]
    for run, process in zip(runs, processes, strict=True):
        run.end(process, 0)
        same(run, alone)
        assert run.twice == 0


@pytest.mark.attack("cluster", "the network of a node is cut for 20 s; the head is paused for 5 s")
def test_a_cut_network_costs_time(run: Run, nodes: Nodes, alone: pd.DataFrame) -> None:
    """The same scores; at most what was in flight on the node is scored twice."""
    process = run.start(nodes.address, seconds=SLOW_S)
    run.until_scored(2)
    nodes.cut_off(20)
    said = run.end(process, 0)
    same(run, alone)
    assert run.twice <= IN_FLIGHT * len(losses(said))
    nodes.signal(0, "gcs_server", signal.SIGSTOP)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ray_connection, "JOIN_TIMEOUT_S", 3.0)
        with (
            pytest.raises(WorldError, match="no connection within 3 s"),
            RayCluster.joined(nodes.address, Replicas(1)),
        ):
            pass
    nodes.signal(0, "gcs_server", signal.SIGCONT)


@pytest.mark.attack("cluster", "a node is killed, later the head")
def test_a_killed_node_costs_its_tasks_and_a_killed_head_has_a_name(
    tmp_path: Path, alone: pd.DataFrame
) -> None:
    """One warning for the node, and at most what was in flight there is scored twice.

    Ray ends the process that is connected to a lost head; evalkit says so, exits with 3, and scores the rest without.
    """
    one, other = Run(tmp_path / "node"), Run(tmp_path / "head")
    with running_nodes() as nodes:
        process = one.start(nodes.address, seconds=SLOW_S)
        one.until_scored(2)
        nodes.kill(1)
        said = one.end(process, 0)
        same(one, alone)
        assert len(losses(said)) == 1, said
        assert one.twice <= IN_FLIGHT
        process = other.start(nodes.address, "slow", RAY_gcs_rpc_server_reconnect_timeout_s="3")
        other.until_scored(1)
        nodes.signal(0, "gcs_server", signal.SIGKILL)
        said = other.end(process, WorldError.exit_code)
    (error,) = [line for line in said if line.startswith("error: ")]
    assert "the connection to the Ray cluster was lost" in error
    assert "resume with: evalkit run" in said[-1]
    # Without Ray the configuration is another one: a new result, with the stored scores.
    other.result.path.rename(other.folder / "first")
    other.end(other.start(None, "slow"), 0)
    same(other, alone)
    pairs = other.result.read_manifest()["pairs"]
    assert sum(one["reused"] for one in pairs) > 0


@pytest.mark.attack("cluster", "the node of the run itself loses its raylet")
def test_a_lost_node_of_the_run_is_named() -> None:
    """The cluster takes the run for dead, and no new worker would ever start: the run says so and ends."""
    with (
        running_nodes() as nodes,
        RayCluster.joined(nodes.address, Replicas(1)) as cluster,
        cluster.pool(workers.open_ten) as pool,
    ):
        done = pool.each(workers.wait, [0.0, 60.0])
        assert next(done).result == 10
        nodes.signal(0, "raylet", signal.SIGKILL)
        with pytest.raises(ClusterError, match="the connection to the Ray cluster was lost"):
            next(done)


@pytest.mark.attack("cluster", "the head stops answering for good")
def test_a_silent_head_is_named(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A head that is paused is given up after a time, also where a task runs."""
    monkeypatch.setattr(ray_connection, "SILENCE_S", 6.0)
    with (
        RayCluster.joined(nodes.address, Replicas(1)) as cluster,
        cluster.pool(workers.open_ten) as pool,
    ):
        done = pool.each(workers.wait, [0.0, 60.0])
        assert next(done).result == 10
        nodes.signal(0, "gcs_server", signal.SIGSTOP)
        try:
            with pytest.raises(ClusterError, match="did not answer for 6 s"):
                next(done)
        finally:
            nodes.signal(0, "gcs_server", signal.SIGCONT)


@pytest.mark.attack("cluster", "an address of something that accepts and says nothing, or of another version")
def test_a_wrong_address_is_named(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the reason, within a bounded time."""
    monkeypatch.setattr(ray_connection, "JOIN_TIMEOUT_S", 4.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert "no connection within 4 s" in _refusal(address)
    monkeypatch.undo()
    client = ray._raylet.GcsClient(address=nodes.address)
    place = (b"CLUSTER_METADATA", b"cluster")
    known = client.internal_kv_get(*place)
    other = json.dumps({**json.loads(known), "ray_version": "1.0.0"}).encode()
    client.internal_kv_put(place[0], other, True, place[1])
    try:
        refusal = _refusal(nodes.address)
    finally:
        client.internal_kv_put(place[0], known, True, place[1])
    assert "Version mismatch: The cluster was started with: Ray: 1.0.0" in refusal
    assert "\n" not in refusal


def _refusal(address: str) -> str:
    with pytest.raises(WorldError) as raised, RayCluster.joined(address, Replicas(1)):
        pass
    return raised.value.message
