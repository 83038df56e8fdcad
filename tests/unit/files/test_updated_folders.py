"""A folder that the user names gets all new files or none, and loses nothing of the user."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.files import name_exchange, updating_folder


def content(folder: Path) -> dict[str, str]:
    """Return the content of every file in a folder, hidden ones too."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_text() for file in files}


def fill(folder: Path, text: str) -> None:
    """Write what a command writes."""
    (folder / "plots").mkdir()
    for name in ("plots/a.svg", "page.html", "found.json"):
        (folder / name).write_text(text)


WRITTEN = ["found.json", "page.html", "plots/a.svg"]


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_of_the_same_files_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, can_exchange: bool
) -> None:
    """In one step where that is possible, else file by file; through a link to the folder, and into an empty one."""
    if not can_exchange:
        monkeypatch.setattr(name_exchange, "exchange_names", lambda _one, _other: False)
    (tmp_path / "link").symlink_to(tmp_path / "into")
    (tmp_path / "into").mkdir(mode=0o700)
    for text in ("old", "new"):
        before = (tmp_path / "into").stat().st_ino
        with updating_folder(tmp_path / "link", "*.json") as folder:
            fill(folder, text)
        assert content(tmp_path / "into") == dict.fromkeys(WRITTEN, text)
        assert ((tmp_path / "into").stat().st_ino != before) == can_exchange
    assert (tmp_path / "into").stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in tmp_path.iterdir()) == ["into", "link"]


@pytest.mark.parametrize("own", ["notes.txt", "plots/mine.svg", ".hidden", "empty/"])
def test_other_files_stay(tmp_path: Path, own: str) -> None:
    """Whatever the user has in the folder, at any level, is still there; the files of the command are new."""
    into = tmp_path / "into"
    path = into / own
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir() if own.endswith("/") else path.write_text("mine")
    for text in ("old", "new"):
        with updating_folder(into, "*.json") as folder:
            fill(folder, text)
    assert path.is_dir() if own.endswith("/") else path.read_text() == "mine"
    expected = dict.fromkeys(WRITTEN, "new") | ({} if own.endswith("/") else {own: "mine"})
    assert content(into) == expected


def test_the_working_folder_is_not_exchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell would be left in a folder that is removed."""
    monkeypatch.chdir(tmp_path)
    for text in ("old", "new"):
        with updating_folder(Path(), "*.json") as folder:
            fill(folder, text)
    assert content(Path()) == dict.fromkeys(WRITTEN, "new")


def test_files_that_programs_read_come_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where files are replaced one by one, those that match the pattern follow all others."""
    (tmp_path / "mine").touch()
    moved: list[str] = []
    replace = Path.replace
    monkeypatch.setattr(
        Path, "replace", lambda path, target: (moved.append(path.name), replace(path, target))[1]
    )
    with updating_folder(tmp_path, "*.json") as folder:
        fill(folder, "new")
    assert moved[-1] == "found.json"
    assert len(moved) == 3


def test_an_error_changes_nothing(tmp_path: Path) -> None:
    """An exception in the block, a folder in the place of a file, or a link that leads out."""
    into, outside = tmp_path / "into", tmp_path / "outside"
    outside.mkdir()
    (into / "page.html").mkdir(parents=True)
    (into / "found.json").write_text("old")
    with pytest.raises(IsADirectoryError), updating_folder(into, "*.json") as folder:
        fill(folder, "new")
    (into / "page.html").rmdir()
    (into / "plots").symlink_to(outside)
    (into / "mine").write_text("mine")
    with pytest.raises(OSError, match="a link leads out of"), updating_folder(into, "*.json") as folder:
        fill(folder, "new")
    with pytest.raises(ZeroDivisionError), updating_folder(into, "*.json") as folder:
        fill(folder, str(1 / 0))
    assert content(into) == {"found.json": "old", "mine": "mine"}
    assert list(outside.iterdir()) == []
