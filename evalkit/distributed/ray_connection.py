"""A connection to a Ray cluster through a process of its own, so that nothing that Ray does can end this one."""

from __future__ import annotations

import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import BinaryIO, cast

from evalkit.distributed import ray_messages as messages
from evalkit.errors import ClusterError, MissingExtraError, WorldError

JOIN_TIMEOUT_S = 60.0
"""Longest time for one attempt to join."""
SILENCE_S = 60.0
"""Longest time without a message of the cluster; also Ray's own limit for an answer of the head."""
CLOSE_TIMEOUT_S = 10.0
JOIN_HINT = (
    "start a cluster with 'ray start --head', or use address: local; all processes of a cluster need the same"
    " RAY_AUTH_TOKEN and the same versions of Python and Ray"
)


class NoAnswerError(WorldError):
    """Ray did not answer in time."""


class RayConnection:
    """Sends requests to a cluster and passes on the events of each replica.

    Parameters
    ----------
    address
        See `RayCluster.joined`.

    Attributes
    ----------
    version
        The version of Ray.
    keep_log
        Whether `log`, a file with what Ray printed, is kept when the connection is closed.

    Raises
    ------
    MissingExtraError
        If ray is not installed.
    NoAnswerError
        If Ray does not answer in time.
    WorldError
        If the connection fails otherwise.
    """

    def __init__(self, address: str) -> None:
        if importlib.util.find_spec("ray") is None:
            raise MissingExtraError("engine: ray", "ray")
        self.keep_log = False
        descriptor, name = tempfile.mkstemp(prefix="evalkit-ray-", suffix=".log")
        self.log = Path(name)
        with os.fdopen(descriptor, "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "evalkit.distributed.ray_driver"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for this process, which then ends the other one
            )
        self._numbers = count()
        self._queues: dict[int, SimpleQueue[messages.ReplicaEvent]] = {}
        self._lock = threading.Lock()
        self._is_lost = False
        self._heard_s = time.monotonic()
        self._outbox: SimpleQueue[messages.Request | None] = SimpleQueue()
        self._answers: SimpleQueue[messages.Event] = SimpleQueue()
        for work in (self._write, self._read):
            threading.Thread(target=work, daemon=True).start()
        try:
            self.version = self._join(address)
        except BaseException:
            self.close()
            raise

    @classmethod
    def joined(cls, address: str) -> RayConnection:
        """Return a connection; one attempt that gets no answer is repeated in a new process, because Ray can hang.

        See `RayConnection` for the parameters and errors.
        """
        try:
            return cls(address)
        except NoAnswerError:
            return cls(address)

    def _join(self, address: str) -> str:
        self.send(messages.Join(_joined_already(address)))
        try:
            answer = self._answers.get(timeout=JOIN_TIMEOUT_S)
        except Empty:
            raise NoAnswerError(
                f"cannot join the Ray cluster {address!r}: no connection within {JOIN_TIMEOUT_S:g} s",
                JOIN_HINT,
            ) from None
        if isinstance(answer, messages.Joined):
            return answer.version
        self.keep_log = not isinstance(answer, messages.NotJoined)
        reason = (
            answer.reason
            if isinstance(answer, messages.NotJoined)
            else f"Ray ended; its messages: {self.log}"
        )
        raise WorldError(f"cannot join the Ray cluster {address!r}: {reason}", JOIN_HINT)

    def send(self, request: messages.Request) -> None:
        """Send a request; it is never waited for."""
        self._outbox.put(request)

    def nodes(self) -> tuple[Mapping[str, float], ...]:
        """Return the resources of each node that is alive: resource name -> amount.

        Raises
        ------
        ClusterError
            If the cluster does not answer.
        """
        self.send(messages.ListNodes())
        with suppress(Empty):
            answer = self._answers.get(timeout=SILENCE_S)
            if isinstance(answer, messages.Nodes):
                return answer.resources
        raise self.lost()

    def new_replica(self, events: SimpleQueue[messages.ReplicaEvent]) -> int:
        """Return the number of a new replica, whose events are put into a queue."""
        number = next(self._numbers)
        with self._lock:
            self._queues[number] = events
            if self._is_lost:
                events.put(messages.ConnectionLost())
        return number

    def forget(self, replica: int) -> None:
        """Kill a replica and ignore what it still does."""
        with self._lock:
            self._queues.pop(replica, None)
        self.send(messages.KillReplica(replica))

    @property
    def is_silent(self) -> bool:
        """Whether the cluster sent nothing for too long: its head or this connection is lost."""
        return time.monotonic() - self._heard_s > SILENCE_S

    def lost(self) -> ClusterError:
        """Return the error of a connection that is lost."""
        self.keep_log = True
        what = (
            f"its head did not answer for {SILENCE_S:g} s"
            if self.is_silent
            else "its head or this node ended"
        )
        return ClusterError(
            f"the connection to the Ray cluster was lost: {what}; messages of Ray: {self.log}",
            "check the cluster with 'ray status'",
        )

    def close(self) -> None:
        """Leave the cluster; its replicas end. A cluster that was started for this connection ends, too."""
        self._outbox.put(None)
        try:
            self._process.wait(CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if not self.keep_log:
            self.log.unlink(missing_ok=True)

    def _write(self) -> None:
        target = cast("BinaryIO", self._process.stdin)
        with suppress(OSError):  # the process ended: `_read` says so
            while (request := self._outbox.get()) is not None:
                pickle.dump(request, target)
                target.flush()
        with suppress(OSError):
            target.close()

    def _read(self) -> None:
        with (
            cast("BinaryIO", self._process.stdout) as source,
            suppress(EOFError, OSError, pickle.UnpicklingError),
        ):
            while True:
                event: messages.Event = pickle.load(source)  # noqa: S301 - of our own child
                self._heard_s = time.monotonic()
                self._pass_on(event)
        with self._lock:
            self._is_lost = True
            for queue in self._queues.values():
                queue.put(messages.ConnectionLost())
        self._answers.put(messages.ConnectionLost())

    def _pass_on(self, event: messages.Event) -> None:
        if isinstance(event, messages.Returned | messages.Lost):
            with self._lock:
                queue = self._queues.get(event.replica)
            if queue is not None:
                queue.put(event)
        elif not isinstance(event, messages.Alive):
            self._answers.put(event)


def _joined_already(address: str) -> str:
    """Return the address of the cluster that this process is connected to, or `address` if it is not connected."""
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return address
    return str(ray.get_runtime_context().gcs_address)
