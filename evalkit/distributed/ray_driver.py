"""The process that holds the connection to a Ray cluster: ``python -m evalkit.distributed.ray_driver``.

Ray ends the process that is connected to it (exit code 1) when the head of the cluster or the local node is lost, and
its C++ code writes to the terminal. So evalkit itself is not connected: this process is. It reads requests from its
standard input and writes events to its standard output, both pickled; all that Ray prints goes to its standard error.
It ends with its input, and with it all replicas.
"""

from __future__ import annotations

import os
import pickle
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, BinaryIO, NoReturn

from evalkit.distributed import ray_messages as messages
from evalkit.distributed.ray_replica import ReplicaActor, one_line, said
from evalkit.registry import own_code

CONNECT_TIMEOUT_S = 10.0
ALIVE_S = 3.0
"""Seconds between two requests to the head that show that it is alive."""
LEAVE_S = 8.0
"""Longest time that leaving the cluster takes before this process ends without it."""


class Driver:
    """Starts replicas, sends them tasks and reports what becomes of these.

    Parameters
    ----------
    report
        Sends an event to evalkit; called from threads of Ray, too.
    """

    def __init__(self, report: Callable[[messages.Event], None]) -> None:
        self._report = report
        self._actors: dict[int, Any] = {}

    def handle(self, request: messages.Request) -> None:
        """Do what is requested; whatever Ray raises is a loss of the replica."""
        match request:
            case messages.StartReplica(replica):
                self._report_call(replica, None, lambda: self._start(request))
            case messages.RunTask(replica, task, call):
                self._report_call(replica, task, lambda: self._actors[replica].run.remote(call))
            case messages.KillReplica(replica):
                self._kill(replica)
            case messages.ListNodes():
                self._report(_nodes())

    def _start(self, request: messages.StartReplica) -> Any:
        import ray

        # No restarts and no retries by Ray: evalkit counts what is done twice.
        options = {
            "num_cpus": request.cpus,
            "num_gpus": request.gpus,
            "max_restarts": 0,
            "max_task_retries": 0,
        }
        actor = ray.remote(ReplicaActor).options(**options).remote()
        self._actors[request.replica] = actor
        return actor.start.remote(request.opener, own_code(), request.paths)

    def _kill(self, replica: int) -> None:
        import ray

        actor = self._actors.pop(replica, None)
        if actor is not None:
            ray.kill(actor)

    def _report_call(self, replica: int, task: int | None, call: Callable[[], Any]) -> None:
        """Make a call to an actor, and report its outcome when it is known."""

        def report(done: Future[bytes]) -> None:
            error = done.exception()
            if error is None:
                self._report(messages.Returned(replica, task, done.result()))
            else:
                self._report(_lost(replica, task, error))

        try:
            call().future().add_done_callback(report)
        except Exception as error:  # noqa: BLE001 - without a connection Ray raises errors of many kinds
            self._report(_lost(replica, task, error))


def _lost(replica: int, task: int | None, error: BaseException) -> messages.Lost:
    """Return the loss of a replica; print the whole error for the log."""
    text = str(error)
    sys.stderr.write(f"replica {replica}: {type(error).__name__}: {text}\n")
    sys.stderr.flush()
    if "its owner has died" in text:
        _leave("the cluster takes this process for dead")
    at = next((line.split()[1] for line in text.splitlines() if line.strip().startswith("ip: ")), None)
    return messages.Lost(replica, task, at if "its node has died" in text else None, _reason(text))


def _reason(text: str) -> str:
    """Return what matters of an error message of Ray, on one line."""
    for phrase in ("its node has died", "its worker process has died"):
        if phrase in text:
            return phrase
    if "temporarily unavailable" in text:
        return "its connection was lost"
    lines = [line for line in text.splitlines() if line.strip()] or ["no reason"]
    # An exception of the replica's own code ends with what was raised; Ray's own messages begin with it.
    return one_line(lines[-1 if "ray::" in lines[0] else 0])


def _leave(reason: str) -> NoReturn:
    """End this process, which tells evalkit that the connection is lost."""
    sys.stderr.write(f"{reason}\n")
    sys.stderr.flush()
    os._exit(1)


def _nodes() -> messages.Nodes:
    import ray

    return messages.Nodes(tuple(dict(node["Resources"]) for node in ray.nodes() if node["Alive"]))


def _connect(request: messages.Join) -> messages.Joined | messages.NotJoined:
    """Connect this process to a cluster."""
    try:
        import ray

        options = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
        if request.address == "local":
            ray.init(address="local", include_dashboard=False, **options)
        else:
            host, colon, port = request.address.rpartition(":")
            if colon and port.isdigit() and "://" not in request.address:
                # Fail early: Ray retries an unreachable address for minutes.
                socket.create_connection((host, int(port)), CONNECT_TIMEOUT_S).close()
            ray.init(address=request.address, **options)
    except Exception as error:  # noqa: BLE001 - of Ray's many kinds
        return messages.NotJoined(said(error))
    return messages.Joined(ray.__version__)


def _stay_alive(report: Callable[[messages.Event], None]) -> None:
    """Report every few seconds that the head answers, and nothing while it does not; leave without this node."""
    import ray

    own = ray.get_runtime_context().get_node_id()
    while True:
        try:
            alive = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
        except Exception:  # noqa: BLE001, S110 - no answer: the silence says so
            pass
        else:
            if own not in alive:
                _leave("the node of this process was lost")
            report(messages.Alive())
        time.sleep(ALIVE_S)


def _read(source: BinaryIO, inbox: SimpleQueue[messages.Request | None]) -> None:
    """Pass on the requests; after the last one, give the main thread a few seconds to end."""
    try:
        while True:
            inbox.put(pickle.load(source))  # noqa: S301 - of our own parent
    except Exception:  # noqa: BLE001 - the end, or half of a request
        inbox.put(None)
    time.sleep(LEAVE_S)
    os._exit(0)


def _reporter(target: BinaryIO) -> Callable[[messages.Event], None]:
    lock = threading.Lock()

    def report(event: messages.Event) -> None:
        with lock:
            target.write(pickle.dumps(event))
            target.flush()

    return report


def _own_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return the standard input and output for messages alone: what others print goes to standard error."""
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, target


def main() -> None:
    """Serve requests until the input ends."""
    source, target = _own_streams()
    report, inbox = _reporter(target), SimpleQueue[messages.Request | None]()
    threading.Thread(target=_read, args=(source, inbox), daemon=True).start()
    first = inbox.get()
    if not isinstance(first, messages.Join):
        return
    answer = _connect(first)
    report(answer)
    if isinstance(answer, messages.NotJoined):
        return
    threading.Thread(target=_stay_alive, args=(report,), daemon=True).start()
    driver = Driver(report)
    while (request := inbox.get()) is not None:
        driver.handle(request)
    import ray

    ray.shutdown()


if __name__ == "__main__":
    main()
    sys.stderr.flush()
    os._exit(0)  # threads of Ray may still run
