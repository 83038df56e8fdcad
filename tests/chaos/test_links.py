"""A result folder of a stranger contains links: nothing outside of it is written or removed."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from support.collections import write_beir_folder
from support.command import evalkit
from support.killed import CONFIG

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]

FILES = ("report.md", "report.html", "values.parquet", "summary.json", "comparisons.json", "tuning.json",
         "latency.json", "gates.json", "production.json", "manifest.json", "log.jsonl", "failures.jsonl",
         "scores.parquet", "calls.parquet", "texts.parquet", "values.part", "manifest.part")  # fmt: skip
FOLDERS = ("runs", "plots", "tables", "qrels", "queries")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a configuration and a complete result in ``r``."""
    folder = tmp_path_factory.mktemp("made")
    write_beir_folder(folder / "small")
    (folder / "c.yaml").write_text(CONFIG, encoding="utf-8")
    assert evalkit("run", "c.yaml", "--into", "r", cwd=folder).returncode == 0
    return folder


@pytest.fixture
def mine(made: Path, tmp_path: Path) -> Path:
    """Return a copy of the folder."""
    return Path(shutil.copytree(made, tmp_path / "mine", symlinks=True))


def result(folder: Path) -> Path:
    """Return the one result of a folder."""
    (path,) = (folder / "r").glob("2*")
    return path


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """Return a folder outside of the result that is the same after the test."""
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "file").write_text("mine", encoding="utf-8")
    before = folder.stat().st_mtime_ns
    yield folder
    assert [path.name for path in folder.iterdir()] == ["file"]
    assert (folder / "file").read_text(encoding="utf-8") == "mine"
    assert folder.stat().st_mtime_ns == before


def link(path: Path, target: Path) -> None:
    """Put a link in the place of what is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def begin_again(path: Path) -> None:
    """Have a result look as if its run was killed, so that the same command resumes it."""
    manifest = orjson.loads((path / "manifest.json").read_bytes())
    (path / "manifest.json").write_bytes(orjson.dumps({**manifest, "status": "running", "sessions": []}))


COMMANDS = {
    "report": ("report", "R"),
    "gate": ("gate", "R", "--against", "R2"),
    "tune": ("tune", "all", "R"),
    "compare": ("compare", "R", "--into", "R"),
    "run": ("run", "c.yaml", "--into", "r"),
}


@pytest.mark.attack("crash", "a stranger's result folder links to files and folders of the reader")
@pytest.mark.parametrize("command", COMMANDS)
def test_no_link_of_a_stranger_is_written_through(command: str, mine: Path, victim: Path) -> None:
    """Whatever the command says, the files of the reader are as before; a link that is read, too."""
    folder = result(mine)
    shutil.copytree(folder, mine / "R2")
    if command == "run":
        begin_again(folder)
    for name in FILES:
        if not (folder / name).exists() or name in {
            "report.md",
            "report.html",
            "gates.json",
            "production.json",
        }:
            link(folder / name, victim / "file")
        else:  # a link that can be read
            (folder / name).rename(mine / name)
            (folder / name).symlink_to(mine / name)
    outside = {name: (mine / name).read_bytes() for name in FILES if (mine / name).exists()}
    for name in ("runs", "plots", "tables"):
        link(folder / name, victim)
    words = [{"R": str(folder), "R2": "R2"}.get(word, word) for word in COMMANDS[command]]
    done = evalkit(*words, cwd=mine)
    assert done.returncode == {"gate": 1, "compare": 2}.get(command, 0), done.stderr
    assert {name: (mine / name).read_bytes() for name in outside} == outside


@pytest.mark.attack("crash", "a stranger's result folder links to files and folders of the reader")
@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("target", ["victim", "missing", "loop"])
def test_a_run_writes_into_no_folder_outside(name: str, target: str, mine: Path, victim: Path) -> None:
    """A resumed run fails with exit 3, or replaces the link; a link that leads nowhere makes no folder there."""
    folder = result(mine)
    begin_again(folder)
    link(folder / name, {"victim": victim, "missing": victim / "missing", "loop": Path(name)}[target])
    done = evalkit("run", "c.yaml", "--into", "r", cwd=mine)
    assert done.returncode == (3 if name in {"qrels", "queries"} else 0), done.stderr
    if done.returncode:
        assert "cannot write the result folder" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.attack("crash", "a stranger's result folder holds a second name of a file, or a pipe")
@pytest.mark.parametrize("name", ["log.jsonl", "report.md", "gates.json", "values.parquet"])
def test_second_names_and_pipes_are_replaced(name: str, mine: Path, victim: Path) -> None:
    """Nothing is written to the other name, and no command waits for a reader."""
    folder = result(mine)
    begin_again(folder)
    for make in ("link", "pipe"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).hardlink_to(victim / "file") if make == "link" else os.mkfifo(folder / name)
        assert evalkit("run", "c.yaml", "--into", "r", cwd=mine).returncode == 0
        if name != "gates.json":
            assert stat.S_ISREG((folder / name).lstat().st_mode)
            assert (folder / name).stat().st_nlink == 1
        begin_again(folder)


@pytest.mark.attack("crash", "baseline save, compare and dataset import where links lead elsewhere")
def test_named_outputs(mine: Path, victim: Path) -> None:
    """A baseline's name that is a link is replaced; links in the folder of a comparison are refused or replaced."""
    folder = result(mine)
    into = mine / "into"
    assert evalkit("baseline", "save", folder, "n", "--into", mine / "bl", cwd=mine).returncode == 0
    shutil.move(mine / "bl" / "n", mine / "shared")
    before = {path.name: path.read_bytes() for path in (mine / "shared").iterdir()}
    (mine / "bl" / "n").symlink_to(mine / "shared")
    assert evalkit("baseline", "save", folder, "n", "--into", mine / "bl", cwd=mine).returncode == 0
    assert not (mine / "bl" / "n").is_symlink()
    assert {path.name: path.read_bytes() for path in (mine / "shared").iterdir()} == before
    into.mkdir()
    (into / "comparison.md").symlink_to(victim / "file")
    assert evalkit("compare", folder, "--into", into, cwd=mine).returncode == 0
    assert not (into / "comparison.md").is_symlink()
    link(into / "plots", victim)
    refused = evalkit("compare", folder, "--into", into, cwd=mine)
    assert (refused.returncode, "a link leads out of" in refused.stderr) == (3, True)


@pytest.mark.attack("crash", "links of one's own")
def test_links_of_ones_own_still_work(mine: Path) -> None:
    """A result that is reached through a link, and outputs that are links, are read and written through."""
    (mine / "latest").symlink_to(result(mine))
    (mine / "elsewhere").mkdir()
    (mine / "into").symlink_to(mine / "elsewhere")
    (mine / "page.html").symlink_to(mine / "elsewhere" / "page.html")
    assert evalkit("report", "latest", cwd=mine).returncode == 0
    assert evalkit("compare", "latest", "--into", "into", "--html", "page.html", cwd=mine).returncode == 0
    assert (mine / "elsewhere" / "comparisons.json").is_file()
    assert (mine / "elsewhere" / "page.html").is_file()
    assert (mine / "page.html").is_symlink()
    (mine / "r2").symlink_to(mine / "r")
    assert evalkit("run", "c.yaml", "--into", "r2", cwd=mine).returncode == 0


@pytest.mark.attack("crash", "a private result under umask 077")
def test_a_mask_of_077_keeps_a_result_private(mine: Path) -> None:
    """Neither the folder nor a file of it can be read by others."""
    mask = os.umask(0o077)
    try:
        assert evalkit("run", "c.yaml", "--into", "private", cwd=mine).returncode == 0
        assert evalkit("report", "private", cwd=mine).returncode == 0
    finally:
        os.umask(mask)
    for path in (mine / "private").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) in {0o700, 0o600}, path


@pytest.mark.attack("crash", "a stranger's result folder holds a second name of a file, or a pipe")
@pytest.mark.parametrize(
    "name", ["config.resolved.yaml", "qrels/small.qrels.gz", "summary.json", "scores.parquet"]
)
def test_no_command_waits_for_a_pipe_that_it_reads(name: str, mine: Path) -> None:
    """It is refused as invalid input, or not taken for a file at all."""
    folder = result(mine)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    words = ("tune", "all", folder) if name == "summary.json" else ("report", folder)
    signal.alarm(60)
    try:
        assert evalkit(*words, cwd=mine).returncode == 2
    finally:
        signal.alarm(0)
