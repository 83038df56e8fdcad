"""Folders are replaced whole, created under a free name, and never followed out of another one."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NoReturn

import pytest

from evalkit.files import create_folder, name_exchange, replacing_folder


def names(folder: Path) -> list[str]:
    """Return the names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def fail(error: BaseException) -> NoReturn:
    """Raise an error in a block that writes."""
    raise error


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_is_replaced_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, can_exchange: bool
) -> None:
    """Files of the old folder are gone, and nothing is left beside the new one, with and without exchange."""
    if not can_exchange:
        monkeypatch.setattr(name_exchange, "exchange_names", lambda _one, _other: False)
    for name in ("old", "new"):
        with replacing_folder(tmp_path / "f") as folder:
            (folder / name).write_bytes(b"")
    assert names(tmp_path / "f") == ["new"]
    assert names(tmp_path) == ["f"]


def test_a_folder_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    """An exception in the block changes nothing; a file of that name is never replaced by a folder."""
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "old").touch()
    with pytest.raises(ZeroDivisionError), replacing_folder(tmp_path / "f") as folder:
        fail(ZeroDivisionError((folder / "new").touch()))
    assert names(tmp_path / "f") == ["old"]
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError), replacing_folder(tmp_path / "file"):
        pass
    assert names(tmp_path) == ["f", "file"]


def test_a_link_inside_a_folder_is_replaced(tmp_path: Path) -> None:
    """The folder that a stranger's link leads to keeps its files; a link on the way out is refused."""
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    (outside / "mine").touch()
    (folder / "runs").symlink_to(outside)
    with (
        pytest.raises(OSError, match="a link leads out of"),
        replacing_folder(folder / "runs" / "a", inside=folder),
    ):
        pass
    with replacing_folder(folder / "runs", inside=folder) as runs:
        (runs / "new").touch()
    assert (names(outside), names(folder / "runs"), names(folder)) == (["mine"], ["new"], ["runs"])


def test_a_folder_is_created_under_the_first_free_name(tmp_path: Path) -> None:
    """Neither a file, nor a folder, nor a dangling link of that name is touched."""
    (tmp_path / "a").touch()
    (tmp_path / "b").mkdir()
    (tmp_path / "c").symlink_to(tmp_path / "missing")
    made = create_folder(tmp_path, "abcd", lambda path: (path / "x").touch())
    assert (made, names(made)) == (tmp_path / "d", ["x"])
    assert names(tmp_path) == ["a", "b", "c", "d"]
    with pytest.raises(FileExistsError):
        create_folder(tmp_path, "abcd", lambda path: (path / "x").touch())
    with pytest.raises(ZeroDivisionError):
        create_folder(tmp_path, "e", lambda _: fail(ZeroDivisionError()))
    assert names(tmp_path) == ["a", "b", "c", "d"]


def test_what_killed_processes_left_long_ago_is_removed(tmp_path: Path) -> None:
    """Only entries with the name of an unfinished one, a week old; a link to a folder goes without its content."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "mine").touch()
    old = [f".{n:016x}.part" for n in range(3)]
    (tmp_path / old[0]).mkdir()
    (tmp_path / old[0] / "half").touch()
    (tmp_path / old[1]).touch()
    (tmp_path / old[2]).symlink_to(kept)
    week_ago = time.time() - 8 * 86_400
    for name in old:
        os.utime(tmp_path / name, (week_ago, week_ago), follow_symlinks=False)
    for name in (f".{9:016x}.part", ".mine.part", f"{9:016x}.part"):
        (tmp_path / name).touch()
    os.utime(tmp_path / ".mine.part", (week_ago, week_ago))
    with replacing_folder(tmp_path / "f"):
        pass
    assert names(tmp_path) == [f".{9:016x}.part", ".mine.part", f"{9:016x}.part", "f", "kept"]
    assert names(kept) == ["mine"]
