"""What of Ray's errors is passed on: one line with what matters."""

from __future__ import annotations

import pytest

from evalkit.distributed.ray_driver import _lost, _reason

DIED = """The actor died unexpectedly before finishing this task.
\tclass_name: ReplicaActor
\tip: 127.0.0.2
The actor is dead because {why}. Worker exit type: SYSTEM_ERROR"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (DIED.format(why="its worker process has died"), "its worker process has died"),
        (DIED.format(why="its node has died"), "its node has died"),
        ("The actor 36ad is unavailable: The actor is temporarily unavailable", "its connection was lost"),
        (
            "ray::ReplicaActor.start() (pid=1)\n  File x\nModuleNotFoundError: no evalkit",
            "ModuleNotFoundError: no evalkit",
        ),
        (
            "Task was killed due to the node running low on memory.\nMore.",
            "Task was killed due to the node running low on memory.",
        ),
        ("", "no reason"),
    ],
)
def test_the_reason_is_one_line(text: str, reason: str) -> None:
    """Of Ray's own messages the cause, of an exception of a replica what was raised."""
    assert _reason(text) == reason


def test_a_lost_node_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """All replicas of a lost node name it; a lost process does not. The whole message is in the log."""
    assert _lost(1, 2, RuntimeError(DIED.format(why="its node has died"))).node == "127.0.0.2"
    assert _lost(1, 2, RuntimeError(DIED.format(why="its worker process has died"))).node is None
    assert "Worker exit type: SYSTEM_ERROR" in capsys.readouterr().err
