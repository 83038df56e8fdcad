"""A command that is killed leaves the old content or the new, and ends as usual when it is repeated."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from support.collections import write_beir_folder
from support.killed import CONFIG, Case, Content, check_old_or_new, content, make_scene
from support.killer import Killer, instants, killing

pytestmark = pytest.mark.long

KILLS = int(os.environ.get("EVALKIT_KILLS", "50"))
"""Kills of all tests together."""
CASES = {
    "compare": Case(("compare", "b", "--into", "into"), ("compare", "a", "--into", "into"), ("into",), 6),
    "compare into a folder with other files": Case(
        ("compare", "b", "--into", "other"), ("compare", "a", "--into", "other"), ("other",), 5, at_once=False,
        last="other/comparisons.json"),
    "compare --html": Case(("compare", "b", "--html", "p.html"), None, ("p.html",), 2),
    "tune search": Case(("tune", "search", "b", "--save", "front"), None, ("front",), 4),
    "tune all": Case(("tune", "all", "b", "--save", "p.json"), None, ("p.json",), 2),
    "baseline save": Case(
        ("baseline", "save", "b", "n", "--into", "bl"), ("baseline", "save", "a", "n", "--into", "bl"), ("bl",), 8),
    "dataset import": Case(("dataset", "import", "demo", "--into", "imp"), None, ("imp",), 6),
    "dataset import into an empty folder": Case(
        ("dataset", "import", "demo", "--into", "empty"), None, ("empty",), 3, at_once=False, last="empty/qrels/"),
    "dataset export": Case(("dataset", "export", "demo", "x.csv"), None, ("x.csv",), 2),
    "gate": Case(("gate", "a", "--against", "b", "--junit", "j.xml"), ("gate", "a", "--against", "b", "--junit",
                 "j.xml", "--nights"), ("j.xml", "a/gates.json"), 4, at_once=False, code=3),
    "init": Case(("init", "y.yaml"), None, ("y.yaml",), 3),
    "store export": Case(("store", "export", "scores.sqlite", "e.parquet"), None, ("e.parquet",), 3),
}  # fmt: skip


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    """Return a process that runs and kills commands."""
    with killing() as one:
        yield one


@pytest.fixture(scope="module")
def scene(killer: Killer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with results and the outputs of earlier commands, for copies."""
    folder = tmp_path_factory.mktemp("scene")
    make_scene(folder, killer)
    for case in CASES.values():
        if case.old is not None:
            assert killer.run(*case.old, below=folder, cwd=folder).code == case.code, case.old
    (folder / "other" / "notes.txt").write_text("mine", encoding="utf-8")
    (folder / "empty").mkdir()
    return folder


def scaled(kills: int) -> int:
    """Return the number of kills of one command."""
    return max(2, kills * KILLS // 50)


@pytest.mark.attack("crash", "a command that writes is killed before its changes")
@pytest.mark.parametrize("name", CASES)
def test_old_or_new(name: str, scene: Path, killer: Killer, tmp_path: Path) -> None:
    """No file or folder is half written or missing; the command repeated ends like one that was never killed."""
    case, whole = CASES[name], tmp_path / "whole"
    shutil.copytree(scene, whole)
    old = content(whole, case.outputs)
    ended = killer.run(*case.words, below=whole, cwd=whole)
    new = content(whole, case.outputs)
    assert (ended.code, old != new) == (case.code, True)
    for at in instants(ended.changes, scaled(case.kills)):
        folder = tmp_path / str(at)
        shutil.copytree(scene, folder)
        died = killer.run(*case.words, below=folder, cwd=folder, at=at)
        assert died.code == -9, died
        found = content(folder, case.outputs)
        check_old_or_new(case, found, old, new)
        if found != new:
            assert killer.run(*case.words, below=folder, cwd=folder).code == case.code, died
        assert content(folder, case.outputs) == new, died


def derived(folder: Path) -> Content:
    """Return the files that no two runs share parts of, and the derived ones of them."""
    names = (
        "runs",
        "tables",
        "plots",
        "qrels",
        "queries",
        "values.parquet",
        "scores.parquet",
        "texts.parquet",
    )
    return {name: one for name, one in content(folder, names).items() if "calls" not in name}


def without_record(folder: Path, case: Case) -> Content:
    """Return the outputs without ``derived.json``, which only says how they were made."""
    found = content(folder, case.outputs)
    return {name: one for name, one in found.items() if not name.endswith("derived.json")}


@pytest.mark.attack("crash", "a report is killed before its changes")
def test_a_killed_report_never_looks_finished(scene: Path, killer: Killer, tmp_path: Path) -> None:
    """With the page, all derived files are those of a whole report; each file is the old one or the new one."""
    case = Case(("report", "a"), None, ("a",), 4, at_once=False)
    expected = without_record(scene, case)
    for at in instants(180, scaled(case.kills)):
        folder = tmp_path / str(at)
        shutil.copytree(scene, folder)
        for name in ("report.md", "plots/stale.svg", "tables/stale.csv", "summary.json"):
            (folder / "a" / name).write_text("old", encoding="utf-8")
        old = without_record(folder, case)
        died = killer.run(*case.words, below=folder, cwd=folder, at=at)
        assert died.code == -9, died
        found = without_record(folder, case)
        if "a/report.html" in found and died.changes > 1:
            assert found == expected
        found.setdefault("a/report.html", expected["a/report.html"])
        check_old_or_new(case, found, old, expected)
        assert killer.run(*case.words, below=folder, cwd=folder).code == 0
        assert without_record(folder, case) == expected


@pytest.mark.attack("crash", "a run is killed before its changes")
def test_a_killed_run_is_resumed(scene: Path, killer: Killer, tmp_path: Path) -> None:
    """Repeated, there is one complete result with the files of a run that was never killed, and no call is lost."""
    words = ("run", "c.yaml", "--into", "new")
    for at in instants(200, scaled(4)):
        folder = tmp_path / str(at)
        shutil.copytree(scene, folder)
        died = killer.run(*words, below=folder, cwd=folder, at=at)
        assert died.code == -9, died
        assert killer.run(*words, below=folder, cwd=folder).code == 0, died
        (result,) = (folder / "new").glob("2*")
        assert orjson.loads((result / "manifest.json").read_bytes())["status"] == "complete"
        assert derived(result) == derived(scene / "a")


STRACE = shutil.which("strace")


def traced(call: str, at: int, *words: str, cwd: Path) -> int:
    """Run a command that is killed at the N-th call of a system function; return its exit code."""
    options = (
        "-f",
        "-qq",
        "-o",
        os.devnull,
        "-e",
        f"trace={call}",
        "-e",
        f"inject={call}:signal=KILL:when={at}",
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [str(STRACE), *options, sys.executable, "-m", "evalkit", *words],
        cwd=cwd, capture_output=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    return done.returncode


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
@pytest.mark.attack("crash", "store import and store prune are killed within a transaction")
@pytest.mark.parametrize("command", ["import", "prune"])
def test_a_killed_store_command_leaves_a_store(
    command: str, scene: Path, killer: Killer, tmp_path: Path
) -> None:
    """At each instant the store is whole for all commands, and the command repeated does the rest."""
    shutil.copy(scene / "scores.sqlite", tmp_path / "full.sqlite")
    assert killer.run("store", "export", "full.sqlite", "e.parquet", below=tmp_path, cwd=tmp_path).code == 0
    words = (
        ("import", "s.sqlite", "e.parquet")
        if command == "import"
        else ("prune", "s.sqlite", "--before", "2100-01-01")
    )
    for at in (1, 2, 4):
        for file in tmp_path.glob("s.sqlite*"):
            file.unlink()
        if command == "prune":
            shutil.copy(tmp_path / "full.sqlite", tmp_path / "s.sqlite")
        assert traced("fdatasync", at, "store", *words, cwd=tmp_path) != 0
        for reading in (("store", "verify", "s.sqlite"), ("store", "size", "s.sqlite"), ("store", *words)):
            assert killer.run(*reading, below=tmp_path, cwd=tmp_path).code == 0, (at, reading)


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
@pytest.mark.attack("crash", "dataset import is killed in the middle of a file")
def test_an_import_that_is_killed_within_a_file_leaves_nothing(killer: Killer, tmp_path: Path) -> None:
    """There is no folder of that name, so no command takes half of the judgments for all."""
    for at in (2, 5):
        assert traced("write", at, "dataset", "import", "demo", "--into", "imp", cwd=tmp_path) != 0
        assert not (tmp_path / "imp").exists()
    assert killer.run("dataset", "import", "demo", "--into", "imp", below=tmp_path, cwd=tmp_path).code == 0


@pytest.mark.attack("crash", "a store file that is empty is read")
def test_an_empty_store_is_a_store(scene: Path, killer: Killer, tmp_path: Path) -> None:
    """What a process leaves that is killed while it creates a store blocks no command."""
    shutil.copytree(scene, tmp_path / "x")
    (tmp_path / "x" / "new").mkdir()
    (tmp_path / "x" / "new" / "scores.sqlite").touch()
    for words in (
        ("run", "c.yaml", "--plan", "--into", "new"),
        ("store", "size", "new"),
        ("store", "verify", "new"),
        ("store", "export", "new", "e.parquet"),
        ("store", "prune", "new", "--plan"),
    ):
        assert killer.run(*words, below=tmp_path, cwd=tmp_path / "x").code == 0, words
    assert (tmp_path / "x" / "new" / "scores.sqlite").stat().st_size == 0


@pytest.mark.attack(
    "crash", "a second run, which copies the files of the first, is killed before its changes"
)
def test_a_killed_copy_is_whole_or_absent(killer: Killer, tmp_path: Path) -> None:
    """Repeated, the newest result is complete; a folder that has a page has all files of a whole result."""
    words, first = ("run", "c.yaml", "--into", "new"), tmp_path / "first"
    write_beir_folder(first / "small")
    config = (
        CONFIG.replace("lexical: {backend: lexical}", "same: {backend: identity}")
        + "compare: {resamples: 999}\n"
    )
    (first / "c.yaml").write_text(config, encoding="utf-8")
    assert killer.run(*words, below=first, cwd=first).code == 0
    (measured,) = (first / "new").glob("2*")
    expected = derived(measured)
    whole = shutil.copytree(first, tmp_path / "whole")
    ended = killer.run(*words, below=whole, cwd=whole)
    assert len(list((whole / "new").glob("2*"))) == 2
    for at in instants(ended.changes, scaled(8)):
        folder = shutil.copytree(first, tmp_path / str(at))
        assert killer.run(*words, below=folder, cwd=folder, at=at).code == -9
        for result in (folder / "new").glob("2*"):
            if (result / "report.html").exists():
                assert derived(result) == expected
        assert killer.run(*words, below=folder, cwd=folder).code == 0
        newest = max((folder / "new").glob("2*"))
        assert newest.name != measured.name
        assert orjson.loads((newest / "manifest.json").read_bytes())["status"] == "complete"
        assert derived(newest) == expected
