"""A Ray cluster of two nodes on this machine, in a process of its own, and what can be done to its nodes.

Run as a program it prints the address of the head, reads the address at which the second node finds the head (that of a
proxy of the parent), prints the processes of both nodes, and ends the cluster at the end of its input.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from support.command import ROOT
from support.tcp_proxy import TcpProxy

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
    proxy
        Between the raylet of the second node and the head.
    seen
        All processes that belonged to the cluster when one of them was last signalled.
    """

    address: str
    processes: list[dict[str, list[int]]]
    proxy: TcpProxy
    seen: set[int] = field(default_factory=set)

    def look(self) -> None:
        """Note which processes there are."""
        for node in self.processes:
            for process in (process for ids in node.values() for process in ids):
                self.seen.update([process, *child_processes(process)])

    def signal(self, node: int, name: str, number: signal.Signals) -> None:
        """Send a signal to a process of a node."""
        self.look()
        for process in self.processes[node][name]:
            os.kill(process, number)

    def workers(self, node: int) -> list[int]:
        """Return the process ids of the replicas of a node."""
        return [
            process
            for raylet in self.processes[node]["raylet"]
            for process in child_processes(raylet)
            if b"ReplicaActor" in _command(process)
        ]

    def kill(self, node: int) -> None:
        """Kill a node with all its processes."""
        self.look()
        for process in [*self.processes[node]["raylet"], *self.workers(node)]:
            os.kill(process, signal.SIGKILL)

    def cut_off(self, seconds: float) -> None:
        """Cut the second node off for a while.

        The proxy stops between its raylet and the head. Its connections to other processes have ports that Ray chooses,
        so these processes are stopped, too: the others see what they see of a node without a network.
        """
        self.look()
        frozen = [*self.processes[1]["raylet"], *self.workers(1)]
        self.proxy.cut()
        _signal_each(frozen, signal.SIGSTOP)
        time.sleep(seconds)
        _signal_each(frozen, signal.SIGCONT)
        self.proxy.mend()


@contextmanager
def running_nodes() -> Iterator[Nodes]:
    """Yield a cluster with a processor on each of two nodes; all its processes end with the context."""
    with subprocess.Popen(
        [sys.executable, "-m", "support.ray_nodes"],
        cwd=ROOT / "tests",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        host, _, port = address.rpartition(":")
        proxy = TcpProxy(host, int(port))
        print(proxy.address, file=process.stdin, flush=True)
        nodes = Nodes(address, json.loads(process.stdout.readline()), proxy)
        try:
            yield nodes
        finally:
            nodes.look()
            _signal_each(nodes.seen, signal.SIGCONT)  # one that is stopped cannot end
            process.stdin.close()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
            _signal_each(nodes.seen, signal.SIGKILL)
            proxy.close()


def _signal_each(processes: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to those processes of Ray that still run."""
    for process in processes:
        with suppress(ProcessLookupError):
            if b"ray" in _command(process):
                os.kill(process, number)


@contextmanager
def two_nodes() -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the address of a cluster of two nodes, and what kills the second one."""
    with running_nodes() as nodes:
        yield nodes.address, lambda: nodes.kill(1)


def child_processes(parent: int) -> list[int]:
    """Return the ids of the processes that a process started."""
    with suppress(OSError):
        text = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8")
        return [int(word) for word in text.split()]
    return []


def _command(process: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def main() -> None:
    """Hold the cluster."""
    from ray.cluster_utils import Cluster

    common = {"num_cpus": 1, "object_store_memory": 100_000_000}
    head = {**common, "include_dashboard": False}
    nodes = Cluster(initialize_head=True, head_node_args=head)
    print(nodes.address, flush=True)  # noqa: T201 - the answer
    nodes.add_node(**common, node_ip_address="127.0.0.2", gcs_address=sys.stdin.readline().strip())
    processes = [
        {name: [one.process.pid for one in of_kind] for name, of_kind in node.all_processes.items()}
        for node in (nodes.head_node, *nodes.worker_nodes)
    ]
    print(json.dumps(processes), flush=True)  # noqa: T201 - the answer
    sys.stdin.read()
    nodes.shutdown()


if __name__ == "__main__":
    main()
