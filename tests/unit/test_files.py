"""`evalkit.files`: readers find the old content or the new one, and no link leads a writer elsewhere."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NoReturn

import pytest

from evalkit import files
from evalkit.files import make_folder, remove_folder, replacing_file, replacing_folder, write_file


def names(folder: Path) -> list[str]:
    """Return the names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def fail(error: BaseException) -> NoReturn:
    """Raise an error in a block that writes."""
    raise error


def test_a_file_appears_with_its_whole_content_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    """Missing parents are made, and the folder holds the file alone."""
    write_file(tmp_path / "new" / "a.txt", "ö")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "ö".encode()
    assert names(tmp_path / "new") == ["a.txt"]


def test_a_writer_that_fails_leaves_the_old_content(tmp_path: Path) -> None:
    """An exception in the block, even one that is no `Exception`, changes nothing."""
    path = tmp_path / "a.txt"
    write_file(path, b"old")
    with pytest.raises(KeyboardInterrupt), replacing_file(path) as file:
        fail(KeyboardInterrupt(file.write(b"new")))
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.txt"]


def test_a_link_inside_a_folder_is_replaced_and_one_that_the_user_named_is_followed(tmp_path: Path) -> None:
    """The victim of a stranger's link keeps its content; the user's own link keeps leading to the file."""
    victim, folder = tmp_path / "victim", tmp_path / "folder"
    folder.mkdir()
    victim.write_bytes(b"mine")
    (folder / "report.md").symlink_to(victim)
    write_file(folder / "report.md", b"report", inside=folder)
    assert (victim.read_bytes(), (folder / "report.md").is_symlink()) == (b"mine", False)
    (tmp_path / "link").symlink_to(victim)
    write_file(tmp_path / "link", b"asked for")
    assert (victim.read_bytes(), (tmp_path / "link").is_symlink()) == (b"asked for", True)


@pytest.mark.parametrize("name", ["runs/a", "runs/deeper/a"])
def test_nothing_is_written_through_a_folder_that_links_out(tmp_path: Path, name: str) -> None:
    """The error names the path, and the folder outside stays empty."""
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    (folder / "runs").symlink_to(outside)
    with pytest.raises(OSError, match=r"a link leads out of .*folder"):
        write_file(folder / name, b"x", inside=folder)
    with pytest.raises(OSError, match=r"a link leads out of .*folder"):
        make_folder((folder / name).parent, inside=folder)
    assert names(outside) == []


def test_what_is_no_regular_file_is_written_directly(tmp_path: Path) -> None:
    """A device such as /dev/null stays what it is."""
    write_file(Path("/dev/null"), b"x")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(IsADirectoryError):
        write_file(tmp_path, b"x")


def test_files_and_folders_get_the_modes_that_the_user_set(tmp_path: Path) -> None:
    """A mask of 077 makes both private."""
    mask = os.umask(0o077)
    try:
        with replacing_folder(tmp_path / "new") as folder:
            write_file(folder / "a", b"")
    finally:
        os.umask(mask)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new", tmp_path / "new" / "a")]
    assert modes == [0o700, 0o600]


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_is_replaced_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, can_exchange: bool
) -> None:
    """Files of the old folder are gone, and nothing is left beside the new one, with and without exchange."""
    if not can_exchange:
        monkeypatch.setattr(files, "_exchange", lambda _one, _other: False)
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


def test_removing_a_link_leaves_what_it_leads_to(tmp_path: Path) -> None:
    """Only the link goes; a missing folder is no error."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    remove_folder(tmp_path / "link")
    remove_folder(tmp_path / "missing")
    assert names(tmp_path) == ["real"]
    remove_folder(tmp_path / "real")
    assert names(tmp_path) == []
