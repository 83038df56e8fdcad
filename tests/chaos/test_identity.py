"""Runs whose folders are renamed or copied, whose clocks jump, and that start together: nothing is paid twice."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from support.api_runs import Counting, run, visible, write_collection, write_config
from support.command import evalkit, start_evalkit
from support.stand_in import stand_in

from evalkit.results import ResultFolder
from evalkit.results.manifest import Manifest

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]

QUERIES, BUDGET = 40, 25
IN_FLIGHT = 2
"""Most calls that a kill makes void, one at a time: the one in flight, and one whose reply is being stored."""
PRICED = ", concurrency: 1, price: {usd_per_thousand_requests: 1000, as_of: 2026-11-22}"
CHILD = """
import datetime, os, time
from evalkit.charts import figures
from evalkit.experiment import execute, manifest_facts
figures.as_png_file = lambda scene: b""  # drawing takes longer than all else
real, shift = time.time, float(os.environ.get("SHIFT_S", "0"))
time.time = lambda: real() + shift
class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(time.time(), tz)
execute.datetime = manifest_facts.datetime = Shifted
"""
"""What a process does first: its clock is shifted, and it draws nothing."""


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return variables of processes that begin with `CHILD`."""
    folder = tmp_path_factory.mktemp("child")
    (folder / "sitecustomize.py").write_text(CHILD, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), os.environ.get("PYTHONPATH", "")))}


class Killing(Counting):
    """An honest server that kills a process when it has been asked a number of times."""

    process: subprocess.Popen[str] | None = None
    at: int = 0

    def __call__(self, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        """Count and answer; kill before the answer is sent. A test that waits for the end finds the call counted."""
        answer = super().__call__(body, headers)
        process = self.process
        if process is not None and self.calls >= self.at:
            self.process = None
            process.kill()
            process.wait(20)
        return answer

    def kill(self, at: int, config: Path, into: Path, *words: str, env: dict[str, str] | None = None) -> None:
        """Run an experiment that is killed when the server is asked for the `at`-th time from now on."""
        self.at = self.calls + at
        options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": env}
        process = self.process = start_evalkit("run", config, "--into", into, *words, **options)
        assert process.wait(60) == -signal.SIGKILL


@contextmanager
def place(folder: Path, rest: str = "", more: str = PRICED) -> Iterator[tuple[Killing, Path]]:
    """Yield a server, and a configuration that uses it one call at a time."""
    server = Killing()
    with stand_in(server) as url:
        small = write_collection(folder / "small", QUERIES)
        yield server, write_config(folder / "c.yaml", small, url, more.removeprefix(", concurrency: 1"), rest)


def write_serial(config: Path) -> None:
    """Make one call at a time, so that a kill leaves one call in flight."""
    config.write_text(
        config.read_text(encoding="utf-8").replace("concurrency: 4", "concurrency: 1"), encoding="utf-8"
    )


def copied(original: Path, folder: Path) -> tuple[Path, Path]:
    """Copy the parent of a killed run into a folder; return the copy, and the run in it."""
    into = shutil.copytree(original, folder / "r")
    (killed,) = visible(into)
    return into, killed


def committed(into: Path) -> int:
    """Return the number of calls in the journal of the store."""
    with closing(sqlite3.connect(into / "scores.sqlite")) as store:
        return int(store.execute("SELECT count(*) FROM journal WHERE kind = 'call'").fetchone()[0])


def consistent(manifest: Manifest) -> bool:
    """Return whether every pair is counted once, and no count is negative."""
    return all(
        one.asked == one.scored + one.reused + one.failed and min(one.scored, one.reused, one.failed) >= 0
        for one in manifest.pairs
    )


@pytest.fixture(scope="module")
def budgeted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Killing, Path, Path]]:
    """Yield a server, a configuration with a budget of 25 calls, and the parent of its run, killed at the 15th."""
    folder = tmp_path_factory.mktemp("budgeted")
    with place(folder, f"budget: {{usd: {BUDGET}}}\n") as (server, config):
        write_serial(config)
        server.kill(15, config, folder / "r")
        yield server, config, folder / "r"


def moved(into: Path, how: str) -> tuple[str, ...]:
    """Rename what a kill left; return further words of the command that resumes it."""
    (result,) = visible(into)
    if how == "result renamed":
        result.rename(into / f"mine-{result.name}")
    if how == "result moved":
        (into.parent / "elsewhere").mkdir()
        return "--resume", str(result.rename(into.parent / "elsewhere" / "mine"))
    if how == "through a link":
        (into.parent / "link").symlink_to(result)
        return "--resume", str(into.parent / "link")
    return ()


@pytest.mark.attack("concurrent", "budget of 25 calls, killed at the 15th, folders renamed or moved, resumed")
@pytest.mark.parametrize("how", ["parent renamed", "result renamed", "result moved", "through a link"])
def test_a_renamed_run_keeps_its_budget(
    tmp_path: Path, budgeted: tuple[Killing, Path, Path], how: str
) -> None:
    """Its calls are known by a random id: all are in its tables, and the budget is not crossed. Prune keeps them."""
    server, config, into = budgeted
    shutil.copytree(into, tmp_path / "r")
    words = moved(tmp_path / "r", how)
    before, paid = server.calls, committed(tmp_path / "r")
    assert paid >= 14 - IN_FLIGHT
    if how != "result moved":  # then its place is unknown to the store
        assert "journals of 0 deleted runs" in evalkit("store", "prune", tmp_path / "r").stdout
    done = evalkit("run", config, "--into", tmp_path / "r", *words)
    assert done.returncode == 3, done.stderr
    assert "budget" in done.stderr
    assert server.calls - before == BUDGET - paid
    result = Path(words[1]) if words else visible(tmp_path / "r")[0]
    assert len(pd.read_parquet(result / "calls.parquet")) == BUDGET
    assert ResultFolder(result).read_manifest().spent_usd == BUDGET


@pytest.mark.attack("concurrent", "copy of an unfinished folder next to it, both resumed")
def test_both_copies_of_an_unfinished_run_are_the_same_run(
    tmp_path: Path, budgeted: tuple[Killing, Path, Path]
) -> None:
    """What one does counts for the other: the budget holds for both together, and no call is lost or counted twice."""
    server, config, original = budgeted
    into, first = copied(original, tmp_path)
    copy = shutil.copytree(first, into / f"copy-of-{first.name}")
    before, paid = server.calls, committed(into)
    for folder in (copy, first, copy):
        done = evalkit("run", config, "--into", into, "--resume", folder)
        assert done.returncode == 3
        assert server.calls - before == BUDGET - paid
        assert len(pd.read_parquet(folder / "calls.parquet")) == BUDGET
        manifest = ResultFolder(folder).read_manifest()
        assert consistent(manifest)
        assert sum(one.reused for one in manifest.pairs) == 0, "the scores of the other copy are its own"


@pytest.mark.attack("concurrent", "copy of an unfinished folder, resumed after the other was finished")
def test_a_copy_of_a_finished_run_is_not_resumed(tmp_path: Path) -> None:
    """Its calls are in the finished folder only: a new run reuses the scores, and nothing is paid twice."""
    with place(tmp_path) as (server, config):
        write_serial(config)
        into = tmp_path / "r"
        server.kill(15, config, into)
        (first,) = visible(into)
        copy = shutil.copytree(first, tmp_path / "copy")
        run(config, into)
        shutil.copytree(copy, into / f"copy-of-{first.name}")
        calls = server.calls
        done = evalkit("run", config, "--into", into, "--resume", into / f"copy-of-{first.name}")
        assert done.returncode == 2
        assert "its calls are not in the score store" in done.stderr
        assert "a new run is started" in run(config, into)
        assert server.calls == calls
        assert sum(count - 1 for count in server.pairs.values()) <= IN_FLIGHT * 6, "at the kill"
        (newest,) = {*visible(into)} - {first, into / f"copy-of-{first.name}"}
        assert consistent(ResultFolder(newest).read_manifest())


@pytest.mark.attack("concurrent", "score store of a killed run deleted, budget, resumed")
def test_a_run_whose_store_is_gone_is_not_resumed(
    tmp_path: Path, budgeted: tuple[Killing, Path, Path]
) -> None:
    """What it spent is unknown, so it is not continued as if it had spent nothing."""
    _, config, original = budgeted
    into, killed = copied(original, tmp_path)
    for file in into.glob("scores.sqlite*"):
        file.unlink()
    done = evalkit("run", config, "--into", into, "--resume", killed)
    assert done.returncode == 2
    assert "its calls are not in the score store" in done.stderr
    done = evalkit("run", config, "--into", into)
    assert "a new run is started" in done.stderr
    assert len(visible(into)) == 2


@pytest.mark.attack("concurrent", "store prune after a result folder was deleted, or its parent renamed")
def test_prune_removes_the_journals_of_deleted_folders_only(
    tmp_path: Path, budgeted: tuple[Killing, Path, Path]
) -> None:
    """A folder that may have moved keeps its journal; so does one of another run with the name of a deleted one."""
    _, _, original = budgeted
    moved_away = tmp_path / "store" / "scores.sqlite"
    shutil.copytree(original, tmp_path / "r")
    moved_away.parent.mkdir()
    for file in (tmp_path / "r").glob("scores.sqlite*"):
        shutil.copy(file, moved_away.parent)
    hidden = original.rename(original.with_name("hidden"))
    try:
        done = evalkit("store", "prune", moved_away)
    finally:
        hidden.rename(original)
    assert "journals of 0 deleted runs" in done.stdout
    assert "kept the journals of 1 runs whose result folders may have been moved" in done.stdout
    (result,) = visible(original)
    moved = result.rename(original.with_name("moved"))
    result.mkdir()
    (result / "manifest.json").write_bytes(orjson.dumps({"sessions": ["another"]}))
    try:
        assert "journals of 1 deleted runs" in evalkit("store", "prune", moved_away).stdout
    finally:
        shutil.rmtree(result)
        moved.rename(result)


@pytest.mark.attack("crash", "clock a day ahead in the first of three sessions of --refresh, both killed")
@pytest.mark.parametrize("shift_s", [86_400, -86_400])
def test_a_clock_that_jumps_changes_no_count(tmp_path: Path, child: dict[str, str], shift_s: int) -> None:
    """A session is known by its id: no list is asked for twice but those in flight, and no count is negative."""
    with place(tmp_path) as (server, config):
        write_serial(config)
        into = tmp_path / "r"
        run(config, into)
        server.pairs.clear()
        server.kill(12, config, into, "--refresh", env=child | {"SHIFT_S": str(shift_s)})
        server.kill(12, config, into, "--refresh")
        run(config, into, "--refresh")
    assert len(server.pairs) == QUERIES * 6
    assert sum(count - 1 for count in server.pairs.values()) <= 2 * IN_FLIGHT * 6, "at the kills"
    refreshed = next(
        manifest for folder in visible(into) if (manifest := ResultFolder(folder).read_manifest()).refresh
    )
    assert (refreshed.status, refreshed.resumed, len(refreshed.sessions)) == ("complete", 2, 3)
    assert consistent(refreshed)
    (pairs,) = refreshed.pairs
    assert (pairs.asked, pairs.reused, pairs.failed) == (QUERIES * 6, 0, 0)


@pytest.mark.attack("concurrent", "the same command twice at once, into a folder that does not exist")
def test_runs_at_once_pay_once_and_count_right(tmp_path: Path, child: dict[str, str]) -> None:
    """One waits for the other: scores of the first are reused by the others, of which none failed."""
    with place(tmp_path, more="") as (server, config):
        number = 3
        started = [start_evalkit("run", config, "--into", tmp_path / "r", env=child) for _ in range(number)]
        for process in started:
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors
    assert set(server.pairs.values()) == {1}
    manifests = [ResultFolder(folder).read_manifest() for folder in visible(tmp_path / "r")]
    assert len(manifests) == number
    for manifest in manifests:
        assert (manifest.status, manifest.resumed, consistent(manifest)) == ("complete", 0, True)
    pairs = [one for manifest in manifests for one in manifest.pairs]
    assert sorted(one.scored for one in pairs) == [0] * (number - 1) + [QUERIES * 6]
    assert {(one.asked, one.resumed, one.failed) for one in pairs} == {(QUERIES * 6, 0, 0)}


@pytest.mark.attack("crash", "clock a day ahead in an earlier run, then 'the newest result'")
def test_a_result_of_the_future_is_not_taken_for_the_newest(tmp_path: Path) -> None:
    """Which result is the newest is unknown then: a gate must not judge an old one in its place."""
    with place(tmp_path, more="") as (_, config):
        into = tmp_path / "r"
        run(config, into)
        assert evalkit("report", into).returncode == 0
        file = visible(into)[0] / "manifest.json"
        manifest = orjson.loads(file.read_bytes())
        file.write_bytes(orjson.dumps({**manifest, "started_s": manifest["started_s"] + 86_400}))
        assert evalkit("report", into).returncode == 0, "it is the only one"
        run(config, into)
        for command in (("report", into), ("gate", into, "--against", into), ("compare", into)):
            done = evalkit(*command)
            assert done.returncode == 2
            assert "cannot be known" in done.stderr
