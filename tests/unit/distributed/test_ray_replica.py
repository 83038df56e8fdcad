"""What a replica returns of exceptions: what can be pickled, with the node where it happened."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from evalkit.distributed import ray_replica
from evalkit.distributed.ray_replica import Place, Raised, ReplicaActor, one_line
from evalkit.errors import CallError, WorldError
from evalkit.registry import own_code


class StubbornError(Exception):
    """Can be pickled and not unpickled."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


def ten() -> int:
    """Open ten."""
    return 10


def fail(worker: int, task: Any) -> int:
    """Raise the task."""
    del worker
    raise StubbornError("a", "b") if task == "stubborn" else task


@pytest.fixture
def actor(monkeypatch: pytest.MonkeyPatch) -> ReplicaActor:
    """Return a replica in this process."""
    monkeypatch.setattr(ray_replica, "_node", lambda: "there")
    actor = ReplicaActor()
    assert isinstance(pickle.loads(actor.start(pickle.dumps(ten), own_code(), ())), Place)  # noqa: S301 - our own
    return actor


def run(actor: ReplicaActor, task: Any) -> Any:
    """Return what a task that fails becomes."""
    return pickle.loads(actor.run(pickle.dumps((fail, task))))  # noqa: S301 - our own


@pytest.mark.parametrize(("error", "kind"), [(OSError(28, "full"), "backend"), (MemoryError(), "memory")])
def test_a_full_disk_or_memory_is_a_failed_call(actor: ReplicaActor, error: Exception, kind: str) -> None:
    """The task has failed by name, and nothing else has."""
    failure = run(actor, error)
    assert isinstance(failure, CallError)
    assert failure.kind == kind
    assert "there" in failure.message


def test_every_exception_arrives(actor: ReplicaActor) -> None:
    """One that cannot be unpickled arrives as its text."""
    assert isinstance(run(actor, ValueError("x")).error, ValueError)
    raised = run(actor, "stubborn")
    assert (str(raised.error), raised.node) == ("StubbornError: ab", "there")


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may compute other scores."""
    monkeypatch.setattr(ray_replica, "_node", lambda: "there")
    raised = pickle.loads(ReplicaActor().start(pickle.dumps(ten), "evalkit 0.0.1", ()))  # noqa: S301 - our own
    assert isinstance(raised, Raised)
    assert isinstance(raised.error, WorldError)
    assert "evalkit 0.0.1 here" in str(raised.error)


def test_a_long_text_is_cut() -> None:
    """One line of at most so many characters."""
    assert one_line("a\n b", 10) == "a b"
    assert one_line("x" * 20, 10) == "xxxxxx ..."
