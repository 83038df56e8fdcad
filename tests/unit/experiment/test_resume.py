"""Which folder of an earlier run is resumed, and which is left alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.api_runs import visible, write_collection, write_config
from support.command import evalkit, only_folder
from support.experiments import call
from support.faulty import reply_of
from support.stand_in import stand_in

from evalkit.config import Config, load_config, resolved_yaml
from evalkit.errors import InputError
from evalkit.experiment.experiment_store import read_store
from evalkit.experiment.known_scores import KnownScores
from evalkit.experiment.recorder import Recorder
from evalkit.experiment.resume import (
    Progress,
    ResumeOptions,
    RunFolder,
    find_unfinished,
    fingerprint,
    restore,
)
from evalkit.results.folder import ResultFolder
from evalkit.workflows.run import plan

pytestmark = pytest.mark.usefixtures("blank_plots")
QUERIES = 4


class Refusing:
    """A server that refuses one query while `refused` is set."""

    def __init__(self) -> None:
        self.refused = True

    def __call__(self, body: Any, _headers: dict[str, str]) -> tuple[int, Any]:
        """Refuse, or answer."""
        if self.refused and body["query"] == "topic1" and len(body["documents"]) > 1:
            return 400, b"{}"
        return 200, orjson.dumps(reply_of(body))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, blank_plots: None) -> tuple[Config, Path]:  # noqa: ARG001 - for what it does
    """Return a configuration, and the parent of results in which one of it is unfinished and one finished."""
    folder = tmp_path_factory.mktemp("stopped")
    small = write_collection(folder / "small", QUERIES)
    server = Refusing()
    with stand_in(server) as url:
        config = write_config(folder / "c.yaml", small, url)
        assert evalkit("run", config, "--into", folder / "unfinished").returncode == 3
        server.refused = False
        assert evalkit("run", config, "--into", folder / "finished").returncode == 0
    return load_config(config), folder


def found(config: Config, into: Path, *, refresh: bool = False, resume: Path | None = None) -> bool:
    """Return whether there is a folder to resume."""
    return find_unfinished(into, resolved_yaml(config), ResumeOptions(refresh, resume)) is not None


def test_a_folder_is_known_by_its_configuration(stopped: tuple[Config, Path]) -> None:
    """Its name ends in a short hash that any change of a setting changes."""
    config, folder = stopped
    resolved = resolved_yaml(config)
    (path,) = visible(folder / "unfinished")
    assert path.name.endswith(fingerprint(resolved))
    assert fingerprint(resolved + " ") != fingerprint(resolved)
    assert len(fingerprint("")) == 6


def test_an_unfinished_folder_is_found_and_a_finished_one_is_not(stopped: tuple[Config, Path]) -> None:
    """Nor is there anything to find where nothing was begun."""
    config, folder = stopped
    assert found(config, folder / "unfinished")
    assert not found(config, folder / "finished")
    assert not found(config, folder / "never")


def test_another_configuration_begins_anew(stopped: tuple[Config, Path]) -> None:
    """Even one setting that changes no score: the folder holds the record of its own."""
    config, folder = stopped
    assert not found(config.model_copy(update={"seed": config.seed + 1}), folder / "unfinished")


def test_asking_for_everything_again_is_another_run(stopped: tuple[Config, Path]) -> None:
    """A folder that was begun with known scores is not resumed by a run that asks for all."""
    config, folder = stopped
    assert not found(config, folder / "unfinished", refresh=True)


@pytest.mark.parametrize("name", ["manifest.json", "config.resolved.yaml"])
def test_a_damaged_folder_is_left_alone(stopped: tuple[Config, Path], tmp_path: Path, name: str) -> None:
    """A file that is gone, or cut short by a kill: a new folder is begun, and nothing is reported."""
    config, folder = stopped
    shutil.copytree(folder / "unfinished", tmp_path / "results")
    path = only_folder(tmp_path / "results")
    whole = (path / name).read_bytes()
    (path / name).write_bytes(whole[: len(whole) // 2])
    assert not found(config, tmp_path / "results")
    (path / name).unlink()
    assert not found(config, tmp_path / "results")
    (path / name).write_bytes(whole)
    assert found(config, tmp_path / "results")


def test_a_named_folder_is_taken_wherever_it_is(stopped: tuple[Config, Path], tmp_path: Path) -> None:
    """The parent of results does not matter then."""
    config, folder = stopped
    (path,) = visible(folder / "unfinished")
    assert found(config, tmp_path, resume=path)


def test_a_named_folder_that_cannot_be_resumed_is_an_error(
    stopped: tuple[Config, Path], tmp_path: Path
) -> None:
    """Finished, of another configuration, begun without --refresh, or none at all: each says what to do."""
    config, folder = stopped
    (unfinished,), (finished,) = visible(folder / "unfinished"), visible(folder / "finished")
    other = config.model_copy(update={"seed": config.seed + 1})
    for wrong, path, refresh, said in (
        (config, finished, False, "is complete"),
        (other, unfinished, False, "was started with another configuration"),
        (config, unfinished, True, "was started without --refresh"),
        (config, tmp_path, False, "is not a result folder"),
    ):
        with pytest.raises(InputError, match=said) as raised:
            found(wrong, tmp_path, refresh=refresh, resume=path)
        assert raised.value.hint


def test_a_plan_of_a_run_that_stopped_holds_what_is_missing(stopped: tuple[Config, Path]) -> None:
    """One query of four; with everything asked again, all of them; after the end, nothing."""
    config, folder = stopped

    def pairs(into: str, *, refresh: bool = False) -> int:
        found = plan(config, folder / into, ResumeOptions(refresh=refresh))
        return sum(one.pairs for one in found if one.pass_ == "quality")

    assert pairs("unfinished") == 6
    assert pairs("unfinished", refresh=True) == QUERIES * 6
    assert pairs("finished") == 0
    assert pairs("finished", refresh=True) == QUERIES * 6


def test_an_unfinished_run_is_restored_with_its_calls_and_its_start(stopped: tuple[Config, Path]) -> None:
    """Its own scores are no reused scores, since it keeps the time of its start; a new run has no calls."""
    config, folder = stopped
    for into, resumed in (("unfinished", True), ("finished", False)):
        with read_store(config, folder / into) as store:
            progress = restore(store, config, folder / into, ResumeOptions())
        assert (progress.unfinished is not None) is resumed
        assert bool(progress.recorder.calls) is bool(progress.recorder.failures) is resumed
        started_s = ResultFolder(only_folder(folder / into)).read_manifest().started_s
        assert (progress.store.started_s == started_s) is resumed


@given(costs=st.lists(st.none() | st.floats(0, 1)), total=st.none() | st.floats(0, 5))
def test_a_killed_session_has_spent_what_its_calls_cost(
    stopped: tuple[Config, Path], costs: list[float | None], total: float | None
) -> None:
    """The manifest has a total only where a session came to its end; a call without a cost adds nothing."""
    _, folder = stopped
    found = ResultFolder(only_folder(folder / "unfinished"))
    unfinished = RunFolder(found, replace(found.read_manifest(), spent_usd=total))
    recorder = Recorder(calls=[call(cost_usd=cost) for cost in costs])
    store = KnownScores(Path("none"), {}, 0.0, "now", (), False, None)
    paid = sum(cost for cost in costs if cost is not None)
    assert Progress(unfinished, recorder, store).spent_usd == pytest.approx(max(paid, total or 0.0))
    assert Progress(None, recorder, store).spent_usd == pytest.approx(paid)
