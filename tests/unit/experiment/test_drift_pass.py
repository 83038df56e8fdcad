"""Cached scores requested again: which, how many, and what is recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.checked import Backend
from support.experiments import api, config_for, eval_set, started, use_backends

from evalkit.errors import CallError
from evalkit.experiment.drift_pass import drift_pass, sampled_requests
from evalkit.experiment.quality_pass import quality_pass
from evalkit.records import RerankRequest

DEPTH = 5
DATA = eval_set(queries=8, documents=6)


def fill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Store the scores of all pairs."""
    use_backends(monkeypatch, m=Backend())
    with started(config_for({"a": api()}, retriever={"depth": DEPTH}), tmp_path, DATA) as run:
        quality_pass(run, run.sessions[0], DATA)


@pytest.mark.parametrize(("queries", "checked"), [(0, 0), (3, 3), (8, 8), (50, 8)])
def test_so_many_queries_are_scored_again_as_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, queries: int, checked: int
) -> None:
    """At most all of them; the calls are recorded, their scores are not stored in place of the cached ones."""
    fill(tmp_path, monkeypatch)
    with started(
        config_for({"a": api()}, retriever={"depth": DEPTH}, drift_check={"queries": queries}), tmp_path, DATA
    ) as run:
        drift_pass(run, run.sessions[0], DATA)
        found = run.recorder.drift_checks
        assert [(one.queries, one.pairs, one.verdict) for one in found] == (
            [(checked, DEPTH * checked, "holds")] if checked else []
        )
        assert len(run.recorder.calls) == 2 * checked
        quality_pass(run, run.sessions[0], DATA)
        assert run.store.reused["tiny", "a"].pairs == 8 * DEPTH


def test_nothing_cached_is_nothing_to_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pass makes no call."""
    use_backends(monkeypatch, m=Backend())
    with started(
        config_for({"a": api()}, retriever={"depth": DEPTH}, drift_check={"queries": 3}), tmp_path, DATA
    ) as run:
        drift_pass(run, run.sessions[0], DATA)
        assert (run.recorder.drift_checks, run.recorder.calls) == ([], [])


def test_what_is_identified_by_its_content_is_not_asked_again(tmp_path: Path) -> None:
    """A call would show nothing new."""
    config = config_for({"words": {"backend": "lexical"}}, drift_check={"queries": 3})
    with started(config, tmp_path, DATA) as run:
        quality_pass(run, run.sessions[0], DATA)
        assert not sampled_requests(run, "words", run.sessions[0].caps, DATA)


def test_a_check_that_fails_is_no_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run goes on with its cached scores and records the failed call; a gate then refuses them."""

    def refuse(_request: RerankRequest) -> list[float]:
        raise CallError("http_error", "closed")

    fill(tmp_path, monkeypatch)
    use_backends(monkeypatch, m=Backend(refuse))
    with started(
        config_for({"a": api()}, retriever={"depth": DEPTH}, drift_check={"queries": 3}), tmp_path, DATA
    ) as run:
        drift_pass(run, run.sessions[0], DATA)
        assert run.recorder.drift_checks == []
        assert [call.status for call in run.recorder.calls] == ["failed"]
