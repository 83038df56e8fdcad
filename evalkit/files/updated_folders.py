"""Write a folder that may contain files of the user, which stay."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evalkit.files import name_exchange
from evalkit.files.unfinished import (
    clear_leftovers,
    is_leftover,
    keep_mode,
    make_folder,
    real_path,
    sync_folder,
    sync_tree,
    temporary_path_in,
)
from evalkit.files.whole_folders import replacing_folder


@contextmanager
def updating_folder(path: Path, last: str) -> Iterator[Path]:
    """Yield an empty folder whose files take their places in `path`, which the user named, when the block ends.

    `path` is replaced in one step if it is missing, or if every file in it has a new content. Otherwise, and where
    `path` cannot be exchanged (a mount point, a folder that contains the working folder), what else it contains stays:
    each file is replaced whole by the new one, all of them after the last was written, and those that match `last`
    after all others. An exception in the block changes nothing.

    Parameters
    ----------
    path
        The folder; it may be missing. A link to it is followed, links in it are not.
    last
        Pattern of the files that other programs read, relative to the folder, such as ``*.json``.

    Raises
    ------
    OSError
        If the folder cannot be written, or a link in it leads to another folder.
    """
    path = real_path(path)
    if not path.is_dir():
        with replacing_folder(path) as new:
            yield new
        return
    clear_leftovers(path)
    temporary = temporary_path_in(path)
    temporary.mkdir()
    try:
        yield temporary
        sync_tree(temporary)
        if not _replaces_all(temporary, path) or not _exchange_with_parent(temporary, path):
            _move_files(temporary, path, last)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replaces_all(new: Path, path: Path) -> bool:
    """Return whether no file is lost, and no working folder of a shell, if a folder is exchanged for the new one."""
    try:
        is_inside = Path.cwd().is_relative_to(path)
    except OSError:
        is_inside = False  # the working folder was removed
    return not is_inside and _entries(path) <= _entries(new)


def _entries(folder: Path) -> set[tuple[Path, int]]:
    """Return relative path and kind of all files, folders and links in a folder, without unfinished ones."""
    paths = ((path, path.relative_to(folder)) for path in folder.rglob("*"))
    return {
        (name, stat.S_IFMT(path.lstat().st_mode))
        for path, name in paths
        if not any(map(is_leftover, (name, *name.parents)))
    }


def _exchange_with_parent(new: Path, path: Path) -> bool:
    """Exchange a folder with the one that contains it, and remove the old one; return whether that was possible."""
    temporary = temporary_path_in(path.parent)
    try:
        keep_mode(path, new)
        new.rename(temporary)
    except OSError:
        return False  # a mount point, or a parent that is not writable
    if not name_exchange.exchange_names(temporary, path):
        temporary.rename(new)
        return False
    sync_folder(path.parent)
    shutil.rmtree(temporary, ignore_errors=True)
    return True


def _move_files(new: Path, path: Path, last: str) -> None:
    """Move all files of a folder to the same places in another one; those that match `last` after all others."""
    files = sorted(file.relative_to(new) for file in new.rglob("*") if not file.is_dir())
    folders = [path, *sorted({(path / file).parent for file in files} - {path})]
    for file in files:
        if (path / file).is_dir() and not (path / file).is_symlink():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path / file))
        keep_mode(path / file, new / file)
    for folder in folders:
        make_folder(folder, inside=path)
    read = set(new.glob(last))
    for is_last in (False, True):
        for file in files:
            if (new / file in read) == is_last:
                (new / file).replace(path / file)
        for folder in folders:
            sync_folder(folder)
