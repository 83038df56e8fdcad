"""Names of unfinished files and folders, their modes, and their durability."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path

_LEFTOVER = re.compile(r"\.[0-9a-f]{16}\.part")
_LEFT_S = 7 * 86_400
"""Age in seconds at which an unfinished entry is that of a process that ended."""


def temporary_path_in(parent: Path) -> Path:
    """Return a new name in a folder for what is not finished."""
    return parent / f".{secrets.token_hex(8)}.part"


def is_leftover(path: Path) -> bool:
    """Return whether a name is that of an entry that was not finished."""
    return _LEFTOVER.fullmatch(path.name) is not None


def clear_leftovers(folder: Path) -> None:
    """Remove unfinished entries of processes that ended long ago."""
    with suppress(OSError):
        for path in filter(is_leftover, folder.iterdir()):
            if path.lstat().st_mtime < time.time() - _LEFT_S:
                remove_folder(path) if path.is_dir() else path.unlink()


def real_path(path: Path) -> Path:
    """Return the path without links; unlike `Path.resolve`, it accepts a loop of links."""
    return Path(os.path.realpath(path))


def keep_mode(path: Path, new: Path) -> None:
    """Give a new file or folder the mode of the one that it replaces.

    Raises
    ------
    PermissionError
        If what it replaces is protected from being written.
    """
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        new.chmod(stat.S_IMODE(mode) & 0o777)


def make_folder(path: Path, *, inside: Path | None = None) -> None:
    """Create a folder with its parents if it is missing.

    Raises
    ------
    OSError
        If it cannot be created, `inside` is missing, or a link leads from `inside` to another folder.
    """
    if inside is not None and not inside.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(inside))
    if inside is not None and not real_path(path).is_relative_to(real_path(inside)):
        raise OSError(errno.ELOOP, f"a link leads out of {inside}", str(path))
    missing = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for one in missing:
        sync_folder(one.parent)


def remove_folder(path: Path) -> None:
    """Remove a folder with its content, if it exists; of a link only the link."""
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def sync_tree(folder: Path) -> None:
    """Make all files of a folder durable, and the folder itself."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with Path(parent, name).open("rb") as file:
                os.fsync(file.fileno())
        sync_folder(Path(parent))


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; without effect where the system or the folder's mode does not allow it."""
    if os.name != "posix":
        return
    with suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
                raise
        finally:
            os.close(descriptor)
