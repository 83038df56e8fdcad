"""Write files and folders so that readers find the old content or the new one, never a part of either.

Content is written under a random name beside its destination, made durable with fsync, and renamed. A process that is
killed leaves the destination as it was, and perhaps a hidden entry that ends in ``.part``. All functions raise
`OSError`; callers say what could not be written.
"""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_AT_FDCWD = -100
_EXCHANGE = 2
"""RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS have the same value."""


def write_file(path: Path, content: bytes | str, *, inside: Path | None = None) -> None:
    """Write a whole file; text is encoded as UTF-8, with ``?`` for what UTF-8 cannot express. See `replacing_file`."""
    with replacing_file(path, inside=inside) as file:
        file.write(content.encode("utf-8", errors="replace") if isinstance(content, str) else content)


@contextmanager
def replacing_file(path: Path, *, inside: Path | None = None) -> Iterator[BinaryIO]:
    """Yield a binary file that takes the place of `path` when the block ends without an exception.

    Parameters
    ----------
    path
        The file. Missing parent folders are created. A link is written through if the user named the file, and
        replaced if it is `inside` a folder. What is no regular file, such as ``/dev/stdout``, is written directly.
    inside
        The folder that the file belongs to, whose content may come from somebody else; None if the user named the
        file.

    Raises
    ------
    OSError
        If the file cannot be written, or a link leads from `inside` to another folder.
    """
    if inside is None:
        if _is_special(path):
            with path.open("wb") as file:
                yield file
            return
        path = path.resolve()
    make_folder(path.parent, inside=inside)
    aside = _aside(path)
    try:
        with aside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `path` when the block ends without an exception.

    All files in it are durable before. The old folder is exchanged with the new one in one step where the file system
    can do that, and is then removed; elsewhere it is renamed first, and for an instant there is neither.

    Parameters
    ----------
    path
        The folder; it may be missing. A link to a folder is followed, because the user named it.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(path)
    aside.mkdir()
    try:
        yield aside
        sync_tree(aside)
        _swap(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)  # a part of the new folder, or the old one
    sync_folder(path.parent)


def make_folder(path: Path, *, inside: Path | None = None) -> None:
    """Create a folder with its parents if it is missing.

    Raises
    ------
    OSError
        If it cannot be created, or a link leads from `inside` to another folder.
    """
    if inside is not None and not path.resolve().is_relative_to(inside.resolve()):
        raise OSError(errno.ELOOP, f"a link leads out of {inside}", str(path))
    path.mkdir(parents=True, exist_ok=True)


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
    """Make the names in a folder durable; without effect where folders cannot be opened, as on Windows."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _aside(path: Path) -> Path:
    return path.with_name(f".{secrets.token_hex(8)}.part")


def _is_special(path: Path) -> bool:
    """Return whether a path is a device, a pipe or a folder: renaming would put a file in its place."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _swap(new: Path, path: Path) -> None:
    """Rename a folder; what has its name already takes the name of the new one, or is removed."""
    try:
        new.rename(path)
    except OSError:
        if not path.is_dir():
            raise
        if not _exchange(new, path):
            old = _aside(path)
            path.rename(old)
            new.rename(path)
            shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; return whether the system and the file system can do it.

    Source: renameat2(2) of Linux, renamex_np(2) of macOS.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        code = library.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE)
    elif sys.platform == "darwin":
        code = library.renamex_np(os.fsencode(one), os.fsencode(other), _EXCHANGE)
    else:
        return False
    return bool(code == 0)
