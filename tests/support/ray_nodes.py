"""A Ray cluster of two nodes on this machine, in a process of its own, and what can be done to its nodes.

Run as a program it prints the cluster's facts, and obeys one line after the other: the name of a process (``raylet`` or
``gcs_server``), the number of its node, and a signal. It ends the cluster at the end of its input.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.command import ROOT

END_S = 30
"""Longest time for the end of a cluster; then its processes are killed."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """A running cluster: the head is node 0.

    Attributes
    ----------
    address
        Of the head.
    processes
        For each node, name -> process ids.
    """

    address: str
    processes: list[dict[str, list[int]]]

    def signal(self, node: int, name: str, number: signal.Signals) -> None:
        """Send a signal to a process of a node."""
        for process in self.processes[node][name]:
            os.kill(process, number)

    def workers(self, node: int) -> list[int]:
        """Return the process ids of the replicas of a node."""
        (raylet,) = self.processes[node]["raylet"]
        return [process for process in _children(raylet) if b"ReplicaActor" in _command(process)]

    def freeze(self, node: int, seconds: float) -> None:
        """Stop a node and its workers, as a cut network does for the others, and continue them."""
        frozen = [*self.processes[node]["raylet"], *self.workers(node)]
        for process in frozen:
            os.kill(process, signal.SIGSTOP)
        time.sleep(seconds)
        for process in frozen:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


@contextmanager
def running_nodes(**second: Any) -> Iterator[Nodes]:
    """Yield a cluster with a processor on each of two nodes; `second` are arguments of the second node."""
    with subprocess.Popen(
        [sys.executable, "-m", "support.ray_nodes", json.dumps(second)],
        cwd=ROOT / "tests",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        address, processes = json.loads(process.stdout.readline())
        known = {id_ for node in processes for ids in node.values() for id_ in ids}
        try:
            yield Nodes(address, processes)
        finally:
            for one in known:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGCONT)  # one that is stopped cannot end
            process.stdin.close()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                for one in known:
                    with suppress(ProcessLookupError):
                        os.kill(one, signal.SIGKILL)


@contextmanager
def two_nodes() -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the address of a cluster of two nodes, and what kills the second one."""
    with running_nodes() as nodes:
        yield nodes.address, lambda: nodes.signal(1, "raylet", signal.SIGKILL)


def _children(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8")
    return [int(word) for word in text.split()]


def _command(process: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def main() -> None:
    """Hold the cluster."""
    from ray.cluster_utils import Cluster

    common = {"num_cpus": 1, "object_store_memory": 100_000_000}
    nodes = Cluster(initialize_head=True, head_node_args={**common, "include_dashboard": False})
    nodes.add_node(**common, **json.loads(sys.argv[1]))
    processes = [
        {name: [one.process.pid for one in of_kind] for name, of_kind in node.all_processes.items()}
        for node in (nodes.head_node, *nodes.worker_nodes)
    ]
    print(json.dumps([nodes.address, processes]), flush=True)  # noqa: T201 - the answer
    sys.stdin.read()
    nodes.shutdown()


if __name__ == "__main__":
    main()
