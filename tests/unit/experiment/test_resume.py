"""Which folder of an earlier run is resumed, and which is left alone."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
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

from evalkit.config import Config, load_config, run_yaml
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
    return find_unfinished(into, run_yaml(config), ResumeOptions(refresh, resume)) is not None


def test_a_folder_is_known_by_its_configuration(stopped: tuple[Config, Path]) -> None:
    """Its name ends in a short hash that any change of a setting changes."""
    config, folder = stopped
    resolved = run_yaml(config)
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


def test_a_report_that_is_built_later_makes_scores_older(stopped: tuple[Config, Path]) -> None:
    """The run ends when its report is built: its own scores are of an earlier session then, as old as its start."""
    _, folder = stopped
    complete = ResultFolder(only_folder(folder / "finished"))
    manifest = complete.read_manifest()
    counts = manifest.pairs[0]
    mixed = replace(
        counts, asked=10, scored=6, resumed=2, reused=3, failed=1, oldest_s=manifest.started_s - 5
    )
    found = RunFolder(complete, replace(manifest, pairs=(replace(counts, oldest_s=None), mixed)))
    rebuilt = found.rebuilt("later", "2026-12-01T00:00:00+00:00").manifest
    assert (rebuilt.status, rebuilt.finished) == ("complete", "2026-12-01T00:00:00+00:00")
    assert (rebuilt.resumed, rebuilt.sessions) == (manifest.resumed + 1, (*manifest.sessions, "later"))
    fresh, older = rebuilt.pairs
    assert (fresh.resumed, fresh.reused, fresh.oldest_s) == (counts.asked, 0, manifest.started_s)
    assert (older.resumed, older.reused, older.oldest_s) == (6, 3, manifest.started_s - 5)
    assert [replace(one, resumed=0, oldest_s=None) for one in rebuilt.pairs] == [
        replace(one, resumed=0, oldest_s=None) for one in found.manifest.pairs
    ], "no other count changes"


def test_the_run_that_started_last_is_resumed(stopped: tuple[Config, Path], tmp_path: Path) -> None:
    """By the time in its manifest: folders of one second have numbers in their names, of which -10 sorts before -2."""
    config, folder = stopped
    (unfinished,) = visible(folder / "unfinished")
    for number in (10, 2):
        copy = ResultFolder(shutil.copytree(unfinished, tmp_path / f"{unfinished.name}-{number}"))
        copy.write_manifest(replace(copy.read_manifest(), started_s=float(number)))
    last = find_unfinished(tmp_path, run_yaml(config), ResumeOptions())
    assert last is not None
    assert last.folder.path.name == f"{unfinished.name}-10"


def test_a_run_needs_its_journal_once_it_has_started(stopped: tuple[Config, Path], tmp_path: Path) -> None:
    """Where nothing was logged, nothing was asked; a complete run has its calls in tables; an older one has no id."""
    _, folder = stopped
    (unfinished,) = visible(folder / "unfinished")
    copy = ResultFolder(shutil.copytree(unfinished, tmp_path / "copy"))
    manifest = copy.read_manifest()
    assert RunFolder(copy, manifest).needs_journal
    assert not RunFolder(copy, replace(manifest, status="complete")).needs_journal
    assert not RunFolder(copy, replace(manifest, sessions=())).needs_journal
    copy.log_file.write_bytes(b"")
    assert not RunFolder(copy, manifest).needs_journal


def test_the_journal_of_an_earlier_version_is_read_by_its_path(
    stopped: tuple[Config, Path], tmp_path: Path
) -> None:
    """Folders with and without the ids of sessions: their calls are restored, and the ids stay as they are."""
    config, folder = stopped
    for name, sessions in (("with", True), ("without", False)):
        into = tmp_path / name
        shutil.copytree(folder / "unfinished", into)
        copy = ResultFolder(only_folder(into))
        manifest = copy.read_manifest() if sessions else replace(copy.read_manifest(), sessions=())
        copy.write_manifest(manifest)
        with closing(sqlite3.connect(into / "scores.sqlite")) as store, store:
            store.execute("DELETE FROM journal WHERE kind = 'session'")
            store.execute("UPDATE journal SET run = ?", [str(copy.path.resolve())])
        with read_store(config, into) as reading:
            progress = restore(reading, config, into, ResumeOptions())
        assert progress.unfinished is not None
        assert progress.recorder.calls
        assert progress.store.earlier == manifest.sessions


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


def test_a_resumed_run_records_its_datasets_as_they_are_now(stopped: tuple[Config, Path]) -> None:
    """Judgments may have been added since it was started, and those of models must not count as those of people."""
    _, folder = stopped
    begun = ResultFolder.open(only_folder(folder / "unfinished"))
    unfinished = RunFolder(begun, begun.read_manifest())
    (facts,) = unfinished.manifest.datasets
    now = replace(facts, origin=replace(facts.origin, judged_by="judge only"))
    assert unfinished.resumed("s", (), (now,)).manifest.datasets == (now,)
    assert unfinished.resumed("s").manifest.datasets == (facts,)
