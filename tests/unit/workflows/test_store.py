"""Stored scores asked for again: what is compared, and that nothing is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from support.api_runs import Counting, write_collection
from support.configs import config_of
from support.stand_in import stand_in

from evalkit.config import Config
from evalkit.errors import CallError, UnknownNameError
from evalkit.workflows.run import run
from evalkit.workflows.store import drift_checks

pytestmark = pytest.mark.usefixtures("blank_plots")


class Moving(Counting):
    """A server whose scores can be moved, or that can refuse."""

    shift = 0.0
    refuses = False

    def __call__(self, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        """Answer as today's model."""
        if self.refuses:
            return 400, b'{"error": {"message": "closed"}}'
        status, raw = super().__call__(body, headers)
        reply = orjson.loads(raw)
        for one in reply["results"]:
            one["relevance_score"] += self.shift * one["index"]
        return status, orjson.dumps(reply)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a collection of eight queries."""
    return write_collection(tmp_path_factory.mktemp("drift") / "small", 8)


def config_at(folder: Path, url: str, **more: Any) -> Config:
    """Return a configuration with one API and one local reranker."""
    api = {"backend": "http", "url": url, "model": "m", **more}
    return config_of(folder, {"api": api, "words": {"backend": "lexical"}}, retriever={"depth": 6})


def test_nothing_stored_asks_nothing(folder: Path, tmp_path: Path) -> None:
    """Every reranker has its line; no file appears."""
    server = Moving()
    with stand_in(server) as url:
        found = list(drift_checks(config_at(folder, url), into=tmp_path / "none"))
    assert [(one.reranker, one.verdict) for one in found] == [
        ("api", "not testable"),
        ("words", "not testable"),
    ]
    assert server.calls == 0
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("more", [{}, {"pointwise": False}, {"batch_size": 2}], ids=str)
def test_a_model_that_changed_is_found(folder: Path, tmp_path: Path, more: dict[str, Any]) -> None:
    """Scores of whole lists, of first parts, of pairs: six queries, each asked for twice."""
    server = Moving()
    with stand_in(server) as url:
        config = config_at(folder, url, **more)
        run(config, tmp_path)
        before, asked = (tmp_path / "scores.sqlite").read_bytes(), server.calls
        (holds,) = drift_checks(config, ["api"], tmp_path)
        server.shift = 0.5
        (drifted,) = drift_checks(config, ["api"], tmp_path)
    assert (holds.verdict, holds.queries, holds.equal) == ("holds", 6, holds.pairs)
    assert holds.pairs == (12 if "batch_size" in more else 36)
    assert (drifted.verdict, drifted.pairs) == ("drifted", holds.pairs)
    assert server.calls == asked + 2 * 12
    assert (tmp_path / "scores.sqlite").read_bytes() == before


def test_a_call_that_fails_ends_the_check(folder: Path, tmp_path: Path) -> None:
    """A server that refuses says nothing of its scores."""
    server = Moving()
    with stand_in(server) as url:
        config = config_at(folder, url)
        run(config, tmp_path)
        server.refuses = True
        with pytest.raises(CallError, match="closed"):
            list(drift_checks(config, ["api"], tmp_path))


def test_an_unknown_reranker_is_reported(folder: Path, tmp_path: Path) -> None:
    """Before anything is read."""
    with pytest.raises(UnknownNameError, match="unknown reranker 'wrds'"):
        list(drift_checks(config_at(folder, "http://127.0.0.1:9/x"), ["wrds"], tmp_path))
