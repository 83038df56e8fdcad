"""Rerankers that are opened for an experiment, and closed whatever happens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.configs import config_of

from evalkit.errors import InputError, UnknownNameError
from evalkit.experiment import sessions
from evalkit.experiment.sessions import only, open_session, opened
from evalkit.reranking import Budget

RERANKERS = {
    "a": {"backend": "lexical"},
    "b": {"backend": "identity"},
    "c": {"backend": "lexical", "title_weight": 9},
}


class Closing:
    """A reranker that records its closing."""

    def __init__(self, reranker: Any, closed: list[Any]) -> None:
        self._reranker, self._closed = reranker, closed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reranker, name)

    def close(self) -> None:
        """Tell."""
        self._closed.append(self)


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what was closed, in order."""
    done: list[Any] = []
    real = sessions.open_reranker
    monkeypatch.setattr(sessions, "open_reranker", lambda settings: Closing(real(settings), done))
    return done


def test_a_configuration_with_fewer_rerankers(beir_folder: Path) -> None:
    """In the order asked for; all else is as it was, and an unknown tag is reported with the nearest."""
    config = config_of(beir_folder, RERANKERS)
    fewer = only(config, ["c", "a"])
    assert list(fewer.rerankers) == ["c", "a"]
    assert fewer.model_copy(update={"rerankers": config.rerankers}) == config
    assert list(config.rerankers) == ["a", "b", "c"]
    with pytest.raises(UnknownNameError, match="unknown reranker 'cc'"):
        only(config, ["a", "cc"])


def test_all_rerankers_are_opened_with_their_settings(beir_folder: Path, closed: list[Any]) -> None:
    """Under their tags, in the order of the file, with the caps and the pace of their own settings."""
    http = {"backend": "http", "url": "http://127.0.0.1:9/x", "model": "m", "concurrency": 7, "batch_size": 3}
    with opened(config_of(beir_folder, {**RERANKERS, "d": http})) as found:
        assert [session.tag for session in found] == ["a", "b", "c", "d"]
        assert (found[3].concurrency, found[3].caps.documents) == (7, 3)
        assert not closed
    assert closed == [session.reranker for session in reversed(found)]


def test_rerankers_share_one_budget(beir_folder: Path) -> None:
    """What one spends, and what earlier sessions spent, the others cannot spend."""
    priced = {"backend": "http", "url": "http://127.0.0.1:9/x", "model": "m",
              "price": {"usd_per_thousand_requests": 1, "as_of": "2026-11-22"}}  # fmt: skip
    config = config_of(beir_folder, {"a": priced, "b": priced}, budget={"usd": 1.0})
    with opened(config, 0.25) as (first, second):
        assert first.budget is second.budget
        assert first.budget.spent_usd == 0.25


def test_a_failure_closes_what_was_opened(
    beir_folder: Path, closed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within the block, or while a later reranker is opened."""
    config = config_of(beir_folder, RERANKERS)
    with pytest.raises(ValueError, match="no"), opened(config):
        raise ValueError("no")
    assert len(closed) == 3
    real = sessions.open_reranker

    def failing(settings: Any) -> Any:
        if settings.backend == "identity":
            raise ValueError("no model")
        return real(settings)

    monkeypatch.setattr(sessions, "open_reranker", failing)
    with pytest.raises(ValueError, match="no model"), opened(config):
        raise AssertionError("never opened")
    assert len(closed) == 4


def test_one_session_is_closed_alone(beir_folder: Path, closed: list[Any]) -> None:
    """A session opened by itself has the budget that it is given."""
    settings, budget = config_of(beir_folder).rerankers["words"], Budget(None)
    with open_session("mine", settings, budget) as session:
        assert (session.tag, session.budget) == ("mine", budget)
    assert closed == [session.reranker]


def test_a_cascade_without_its_stages_is_no_configuration(beir_folder: Path) -> None:
    """It has nothing to be derived from; with its stages it stays, and is not opened."""
    stages = [{"reranker": "a", "keep": 2}, {"reranker": "c"}]
    config = config_of(beir_folder, {**RERANKERS, "both": {"backend": "cascade", "stages": stages}})
    with pytest.raises(InputError, match="'both' is a cascade of a, c and has no backend of its own"):
        only(config, ["both", "a"])
    assert list(only(config, ["both", "a", "c"]).rerankers) == ["both", "a", "c"]
    with opened(config) as sessions_of_config:
        assert [session.tag for session in sessions_of_config] == ["a", "b", "c"]


def test_a_baseline_that_is_left_out_is_none() -> None:
    """The first stage takes its place; a baseline that stays is kept."""
    config = config_of(Path("no-such-folder"), RERANKERS, compare={"baseline": "b"})
    assert only(config, ["a"]).compare.baseline is None
    assert only(config, ["b"]).compare.baseline == "b"
