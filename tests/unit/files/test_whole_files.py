"""`evalkit.files`: readers find the old content or the new one, and no link leads a writer elsewhere."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from evalkit.files import (
    create_file,
    make_folder,
    open_to_append,
    replacing_file,
    replacing_folder,
    write_file,
)


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


@pytest.mark.parametrize("end", ["| cat", "> all; cat all"])
def test_the_standard_output_is_written_after_what_it_holds(tmp_path: Path, end: str) -> None:
    """A program's /dev/stdout may be a pipe or a file: it is neither replaced nor cut."""
    code = (
        "import sys; from pathlib import Path; from evalkit.files import write_file;"
        "print('before', flush=True); write_file(Path('/dev/stdout'), b'file\\n')"
    )
    command = f'"{sys.executable}" -c "{code}" {end}'
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "before\nfile\n", done.stderr


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


def test_a_file_that_is_protected_is_not_replaced_and_a_mode_is_kept(tmp_path: Path) -> None:
    """What may be read by the user alone stays so; a file without permission to write keeps its content."""
    path = tmp_path / "a.txt"
    write_file(path, "old")
    path.chmod(0o600)
    write_file(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)
    if os.geteuid():
        path.chmod(0o400)
        with pytest.raises(PermissionError):
            write_file(path, "newer")
        assert names(tmp_path) == ["a.txt"]


def test_a_loop_of_links_is_an_error_of_the_system(tmp_path: Path) -> None:
    """It is no `RuntimeError`, and nothing is left."""
    (tmp_path / "runs").symlink_to("runs")
    with pytest.raises(OSError, match="runs"):
        write_file(tmp_path / "runs" / "a", b"", inside=tmp_path)
    assert names(tmp_path) == ["runs"]


def test_a_new_file_never_takes_the_place_of_another(tmp_path: Path) -> None:
    """It appears whole; a file or a dangling link of that name stays, and a missing folder is an error."""
    create_file(tmp_path / "a", "whole")
    (tmp_path / "b").symlink_to(tmp_path / "missing")
    for name in "ab":
        with pytest.raises(FileExistsError):
            create_file(tmp_path / name, "other")
    with pytest.raises(FileNotFoundError):
        create_file(tmp_path / "no" / "a", "other")
    assert ((tmp_path / "a").read_text(), names(tmp_path)) == ("whole", ["a", "b"])


@pytest.mark.parametrize("kind", ["file", "link", "second name", "pipe", "missing"])
def test_lines_are_appended_to_a_file_of_the_folder_alone(tmp_path: Path, kind: str) -> None:
    """A link, a second name of a file elsewhere, or a pipe is replaced; a file keeps what it holds."""
    victim, folder = tmp_path / "victim", tmp_path / "folder"
    folder.mkdir()
    victim.write_text("mine\n")
    log = folder / "log"
    if kind == "file":
        log.write_text("mine\n")
    elif kind == "link":
        log.symlink_to(victim)
    elif kind == "second name":
        log.hardlink_to(victim)
    elif kind == "pipe":
        os.mkfifo(log)
    with open_to_append(log, inside=folder) as file:
        file.write("line\n")
    assert victim.read_text() == "mine\n"
    assert log.read_text() == ("mine\nline\n" if kind in {"file", "second name"} else "line\n")


def test_an_output_that_is_open_already_is_written_to(tmp_path: Path) -> None:
    """The name of a standard output means what it leads to: a pipe, or a file that keeps its other lines."""
    reading, writing = os.pipe()
    write_file(Path(f"/dev/fd/{writing}"), b"content")
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"content"
    with (tmp_path / "out").open("wb") as file:
        before = (tmp_path / "out").stat().st_ino
        write_file(Path(f"/dev/fd/{file.fileno()}"), b"content")
    assert ((tmp_path / "out").stat().st_ino, (tmp_path / "out").read_bytes()) == (before, b"content")
