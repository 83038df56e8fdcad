"""A disk that is full: exit 3, and nothing is half written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.collections import write_beir_folder
from support.command import evalkit
from support.killed import CONFIG, Case, check_old_or_new, content
from support.limits import file_limit

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]

CASES = {
    "run": Case(("run", "c.yaml", "--into", "r", "--refresh"), None, ("r/new",), 0),
    "report": Case(("report", "a"), None, ("a",), 0, at_once=False, last="a/report.html"),
    "compare": Case(("compare", "a", "--into", "into"), None, ("into",), 0),
    "compare into a folder with other files": Case(("compare", "a", "--into", "other"), None, ("other",), 0),
    "baseline save": Case(("baseline", "save", "a", "n", "--into", "bl"), None, ("bl",), 0),
    "dataset import": Case(("dataset", "import", "demo", "--into", "imp"), None, ("imp",), 0),
    "dataset export": Case(("dataset", "export", "demo", "x.csv"), None, ("x.csv",), 0),
    "gate": Case(("gate", "a", "--against", "a2", "--junit", "j.xml"), None, ("j.xml",), 0),
    "tune": Case(("tune", "all", "a", "--save", "p.json"), None, ("p.json",), 0),
    "init": Case(("init", "y.yaml"), None, ("y.yaml",), 0),
    "store export": Case(("store", "export", "scores.sqlite", "e.parquet"), None, ("e.parquet",), 0),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a result, a store, and old outputs."""
    folder = tmp_path_factory.mktemp("made")
    write_beir_folder(folder / "small")
    (folder / "c.yaml").write_text(CONFIG, encoding="utf-8")
    assert evalkit("run", "c.yaml", "--into", "r", cwd=folder).returncode == 0
    (result,) = (folder / "r").glob("2*")
    result.rename(folder / "a")
    shutil.copytree(folder / "a", folder / "a2")
    (folder / "r" / "scores.sqlite").rename(folder / "scores.sqlite")
    for case in ("compare", "baseline save"):
        assert evalkit(*CASES[case].words, cwd=folder).returncode == 0
    (folder / "other").mkdir()
    (folder / "other" / "notes.txt").write_text("mine", encoding="utf-8")
    return folder


@pytest.mark.attack("crash", "the disk is full")
@pytest.mark.parametrize("size", [0, 300])
@pytest.mark.parametrize("name", CASES)
def test_nothing_is_half_written(name: str, size: int, made: Path, tmp_path: Path) -> None:
    """The message names what cannot be written; each output is as before, and no unfinished entry is left."""
    case, folder = CASES[name], tmp_path / "x"
    shutil.copytree(made, folder)
    old = content(folder, case.outputs)
    with file_limit(size):
        full = evalkit(*case.words, cwd=folder)
    assert full.returncode == 3, full.stderr
    assert "error: cannot " in full.stderr or "cannot be used" in full.stderr
    found = content(folder, case.outputs)
    assert list(folder.rglob(".*.part")) == []
    done = evalkit(*case.words, cwd=folder)
    assert done.returncode == (1 if name == "gate" else 0), done.stderr
    new = content(folder, case.outputs)
    if name == "report":
        assert ("a/report.html" in found) == (found == old)
        found.setdefault("a/report.html", old["a/report.html"])
    check_old_or_new(case, found, old, new)


@pytest.mark.attack("crash", "the disk is full")
def test_a_store_is_whole_after_an_import_without_space(made: Path, tmp_path: Path) -> None:
    """The import fails with exit 3, at whichever size; repeated with space, it imports everything."""
    assert evalkit("store", "export", made / "scores.sqlite", "e.parquet", cwd=tmp_path).returncode == 0
    for size in (0, 5_000, 20_000):
        with file_limit(size):
            assert evalkit("store", "import", "s.sqlite", "e.parquet", cwd=tmp_path).returncode == 3
        if (tmp_path / "s.sqlite").exists():
            assert evalkit("store", "verify", "s.sqlite", cwd=tmp_path).returncode == 0
    assert evalkit("store", "import", "s.sqlite", "e.parquet", cwd=tmp_path).returncode == 0
    assert evalkit("store", "verify", "s.sqlite", cwd=tmp_path).returncode == 0
