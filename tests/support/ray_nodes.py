"""A Ray cluster of two nodes on this machine, in a process of its own; one of them can be killed.

Run as a program it prints the cluster's address, kills a node (SIGKILL) on the first line that it reads, and
ends the cluster at the end of its input.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from support.command import ROOT


@contextmanager
def two_nodes() -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the address of a cluster with a processor on each of two nodes, and what kills one of them."""
    with subprocess.Popen(
        [sys.executable, "-m", "support.ray_nodes"],
        cwd=ROOT / "tests",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def kill() -> None:
            print("kill", file=process.stdin, flush=True)

        yield process.stdout.readline().strip(), kill
        process.stdin.close()


def main() -> None:
    """Hold the cluster."""
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    victim = nodes.add_node(num_cpus=1)
    print(nodes.address, flush=True)  # noqa: T201 - the answer
    if sys.stdin.readline():
        nodes.remove_node(victim, allow_graceful=False)
        sys.stdin.read()
    nodes.shutdown()


if __name__ == "__main__":
    main()
