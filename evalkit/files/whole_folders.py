"""Write folders so that readers find the old one or the new one."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from evalkit.files import name_exchange
from evalkit.files.unfinished import (
    clear_leftovers,
    keep_mode,
    make_folder,
    real_path,
    sync_folder,
    sync_tree,
    temporary_path_in,
)


@contextmanager
def replacing_folder(path: Path, *, inside: Path | None = None) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `path` when the block ends without an exception.

    All files in it are durable before. The old folder is exchanged with the new one in one step where the file system
    can do that, and is then removed; elsewhere it is renamed first, and for an instant there is neither.

    Parameters
    ----------
    path
        The folder; it may be missing. A link to a folder is followed if the user named it, and replaced if it is
        `inside` a folder.
    inside
        See `replacing_file`.

    Raises
    ------
    OSError
        If the folder cannot be written, or a link leads from `inside` to another folder.
    """
    path = real_path(path) if inside is None else path
    make_folder(path.parent, inside=inside)
    clear_leftovers(path.parent)
    temporary = temporary_path_in(path.parent)
    temporary.mkdir()
    try:
        yield temporary
        if path.is_symlink():
            path.unlink()
        swap_folder(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def create_folder(parent: Path, names: Iterable[str], fill: Callable[[Path], object]) -> Path:
    """Create a folder with its content, under the first name that is not taken; return its path.

    Raises
    ------
    FileExistsError
        If all names are taken.
    OSError
        If it cannot be created.
    """
    make_folder(parent)
    clear_leftovers(parent)
    temporary = temporary_path_in(parent)
    temporary.mkdir()
    try:
        fill(temporary)
        sync_tree(temporary)
        for name in names:
            path = parent / name
            if not os.path.lexists(path) and _rename_to_free(temporary, path):
                sync_folder(parent)
                return path
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    raise FileExistsError(errno.EEXIST, "all names are taken", str(parent))


def swap_folder(new: Path, path: Path) -> None:
    """Make a folder durable and give it the name `path`; a folder of that name is removed. See `replacing_folder`."""
    sync_tree(new)
    keep_mode(path, new)
    try:
        new.rename(path)
    except OSError:
        if not path.is_dir():
            raise
        if not name_exchange.exchange_names(new, path):
            old = temporary_path_in(path.parent)
            path.rename(old)
            try:
                new.rename(path)
            except OSError:
                old.rename(path)
                raise
            new = old
    sync_folder(path.parent)
    shutil.rmtree(new, ignore_errors=True)  # the old folder, if there was one


def _rename_to_free(folder: Path, path: Path) -> bool:
    """Rename a folder; return False if another process has taken the name."""
    try:
        folder.rename(path)
    except OSError as error:
        if error.errno in {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}:
            return False
        raise
    return True
