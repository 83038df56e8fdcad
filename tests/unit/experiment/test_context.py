"""An experiment before and after it has a result folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.checked import Backend
from support.experiments import api, config_for, eval_set, started, use_backends

from evalkit.errors import StorageError
from evalkit.experiment.context import Experiment, StartedExperiment
from evalkit.experiment.experiment_store import ExperimentStore, open_store
from evalkit.experiment.first_calls import first_request
from evalkit.experiment.known_scores import KnownScores
from evalkit.experiment.recorder import Recorder
from evalkit.experiment.resume import RunFolder
from evalkit.reranking import CallContext, Outcome, RetryingCaller

DATA = eval_set(queries=2)


def outcome_of(run: StartedExperiment) -> Outcome:
    """Return the outcome of one call of the quality pass."""
    caller = RetryingCaller(run.sessions[0])
    (outcome,) = caller.deliver(first_request(DATA), CallContext("tiny", "a", "quality"))
    return outcome


@given(st.lists(st.integers(1, 20), min_size=1, unique=True))
def test_the_depth_of_an_experiment_is_its_deepest(depths: list[int]) -> None:
    """In whatever order they are configured."""
    config = config_for({"a": api()}, depths=depths, retriever={"depth": 20})
    store = KnownScores(Path("none"), {}, 0.0, "now", (), False, None)
    assert Experiment(config=config, eval_sets=(), recorder=Recorder(), store=store).depth == max(depths)


def test_a_resumed_folder_runs_again_without_its_old_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder says that it is running, once more than before, and no report shows the results of earlier."""
    use_backends(monkeypatch, m=Backend())
    config = config_for({"a": api()})
    with started(config, tmp_path, DATA) as run:
        pass
    run.folder.report_html_file.write_text("old", encoding="utf-8")
    run.folder.write_manifest(replace(run.manifest, status="incomplete"))
    with open_store(config, tmp_path) as store:
        experiment = Experiment(
            config=config, eval_sets=[DATA], recorder=run.recorder, store=store.lookup(run.manifest.started_s)
        )
        target = RunFolder(run.folder, run.folder.read_manifest()).resumed("again")
        again = experiment.start(store, target, run.sessions)
    assert (again.manifest.status, again.manifest.resumed) == ("running", 1)
    assert again.manifest.sessions == (*run.manifest.sessions, "again")
    assert run.folder.read_manifest() == again.manifest
    assert not run.folder.report_html_file.exists()


def test_a_call_is_recorded_in_memory_and_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its score is known from then on."""
    use_backends(monkeypatch, m=Backend())
    with started(config_for({"a": api()}), tmp_path, DATA) as run:
        outcome = outcome_of(run)
        run.record(run.sessions[0], outcome)
        rows = run.store.rows("a", DATA, DATA.candidates, pointwise=True)
        entries = run.store.scores.journal(run.store.run)
    assert outcome.response is not None
    assert rows["q0"].scores[0] == outcome.response.scores[0]
    assert [entry.kind for entry in entries] == ["call"]
    assert run.recorder.calls == [outcome.call]


@pytest.mark.parametrize("late", [False, True])
def test_a_store_that_fails_is_an_error_except_after_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    """Late calls follow an error that is already on its way; either way the call is in memory."""

    def full(*_: Any) -> None:
        raise StorageError("no space")

    use_backends(monkeypatch, m=Backend())
    with started(config_for({"a": api()}), tmp_path, DATA) as run:
        outcome = outcome_of(run)
        monkeypatch.setattr(ExperimentStore, "keep", full)
        if late:
            run.record_late(run.sessions[0], outcome)
        else:
            with pytest.raises(StorageError, match="no space"):
                run.record(run.sessions[0], outcome)
    assert run.recorder.calls == [outcome.call]
