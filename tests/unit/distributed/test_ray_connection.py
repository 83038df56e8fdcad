"""Joining a Ray cluster."""

from __future__ import annotations

import pytest

from evalkit.distributed.ray_connection import NoAnswerError, RayConnection
from evalkit.errors import WorldError


@pytest.mark.parametrize(("failures", "attempts"), [(0, 1), (1, 2)])
def test_an_attempt_without_an_answer_is_repeated_once(
    monkeypatch: pytest.MonkeyPatch, failures: int, attempts: int
) -> None:
    """Ray can hang while it joins a cluster: a second attempt, in a process of its own, then succeeds."""
    made: list[str] = []

    def connect(_connection: RayConnection, address: str) -> None:
        made.append(address)
        if len(made) <= failures:
            raise NoAnswerError("no connection within 60 s")

    monkeypatch.setattr(RayConnection, "__init__", connect)
    RayConnection.joined("auto")
    assert made == ["auto"] * attempts


def test_a_refusal_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that says no is not asked again."""
    made: list[str] = []

    def connect(_connection: RayConnection, address: str) -> None:
        made.append(address)
        raise WorldError("wrong token")

    monkeypatch.setattr(RayConnection, "__init__", connect)
    with pytest.raises(WorldError, match="wrong token"):
        RayConnection.joined("auto")
    assert len(made) == 1
