"""The actor of a replica: creates one worker on a node of a Ray cluster and runs tasks on it."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.distributed.worker_pool import run_task
from evalkit.errors import CallError, EvalkitError, WorldError
from evalkit.registry import own_code


@dataclass(frozen=True, slots=True)
class Place:
    """Where a replica runs: the address of its node, and its process."""

    node: str
    process: int


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception that ended a call, and where."""

    error: Exception
    node: str


class ReplicaActor:
    """The Ray actor of a replica. Every method returns a pickled `Place`, result or `Raised`."""

    def __init__(self) -> None:
        self._worker: Any = None

    def start(self, opener: bytes, version: str, paths: Sequence[str]) -> bytes:
        """Create the worker; the first call to the actor, so that a failure reaches the caller.

        Parameters
        ----------
        opener
            The pickled function that returns the worker.
        version
            The caller's `own_code`, because another version may compute other scores.
        paths
            Folders from which the function is imported, in addition to those of the node.
        """
        node = _node()

        def opened() -> Place:
            if version != own_code():
                raise WorldError(
                    f"{own_code()} is installed there and {version} here",
                    "install the same version of evalkit on all nodes",
                )
            sys.path += [path for path in paths if path not in sys.path]
            self._worker = pickle.loads(opener)()  # noqa: S301 - of our own process
            return Place(node, os.getpid())

        return _outcome(opened, node)

    def run(self, call: bytes) -> bytes:
        """Return the result of one task, or its `CallError`."""
        node = _node()

        def finished() -> Any:
            function, task = pickle.loads(call)  # noqa: S301 - of our own process
            try:
                return run_task(function, self._worker, task)
            except MemoryError as error:
                return CallError("memory", f"a replica on {node} has no memory: {said(error)}")
            except OSError as error:
                return CallError(
                    "backend", f"a replica on {node} failed: {said(error)}", "check the disk of this node"
                )

        return _outcome(finished, node)


def said(error: BaseException) -> str:
    """Return the name and the message of an exception on one line."""
    text = one_line(str(error))
    return text if isinstance(error, EvalkitError) else f"{type(error).__name__}: {text}".rstrip(": ")


def one_line(text: str, most: int = 300) -> str:
    """Return a text without line breaks, cut to at most so many characters."""
    joined = " ".join(text.split())
    return joined if len(joined) <= most else f"{joined[: most - 4]} ..."


def _node() -> str:
    import ray

    return str(ray.util.get_node_ip_address())


def _outcome(call: Callable[[], Any], node: str) -> bytes:
    """Return the pickled result of a call, or the exception that it raised."""
    try:
        return pickle.dumps(call())
    except Exception as error:  # noqa: BLE001 - raised again by the caller
        try:
            raised = pickle.dumps(Raised(error, node))
            pickle.loads(raised)  # noqa: S301 - some exceptions can be pickled, and not unpickled
        except Exception:  # noqa: BLE001 - whatever pickling raises
            return pickle.dumps(Raised(RuntimeError(said(error)), node))
        return raised
