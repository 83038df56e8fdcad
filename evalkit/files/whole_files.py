"""Write files so that readers find the old content or the new one."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, Literal

from evalkit.files.unfinished import (
    is_leftover,
    keep_mode,
    make_folder,
    real_path,
    sync_folder,
    temporary_path_in,
)

_OPEN_FILES = ("/dev/std", "/dev/fd/", "/proc/")


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
        replaced if it is `inside` a folder. What cannot be replaced is written directly: what is no regular file,
        such as ``/dev/stdout``, and a file in a folder that is not writable. The mode of an existing file is kept.
    inside
        The folder that the file belongs to, whose content may come from somebody else; None if the user named the
        file. If that folder is not finished itself, the file becomes durable together with it.

    Raises
    ------
    OSError
        If the file cannot be written, or a link leads from `inside` to another folder.
    """
    if inside is None:
        if (mode := _direct_mode(path)) is not None:
            with path.open(mode) as file:
                yield file
            return
        path = real_path(path)
    make_folder(path.parent, inside=inside)
    durable = inside is None or not is_leftover(inside)
    temporary = temporary_path_in(path.parent)
    try:
        with temporary.open("xb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        keep_mode(path, temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def create_file(path: Path, content: str, *, private: bool = False) -> None:
    """Write a whole file that does not exist yet, into an existing folder; if `private`, only its owner can read it.

    Raises
    ------
    FileExistsError
        If it exists.
    OSError
        If it cannot be written.
    """
    temporary = temporary_path_in(path.parent)
    try:
        with open(temporary, "xb", opener=partial(os.open, mode=0o600 if private else 0o666)) as file:
            file.write(content.encode())
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            raise
        except OSError:  # the file system has no links
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def open_to_append(path: Path, *, inside: Path) -> TextIOWrapper:
    """Open a text file of a folder to append lines; a link, a pipe, or a second name of a file elsewhere is replaced.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """
    with suppress(FileNotFoundError):
        state = path.lstat()
        if stat.S_ISLNK(state.st_mode) or stat.S_ISFIFO(
            state.st_mode
        ):  # to open a pipe would wait for a reader
            write_file(path, b"", inside=inside)
        elif stat.S_ISREG(state.st_mode) and state.st_nlink > 1:
            write_file(path, path.read_bytes(), inside=inside)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    return os.fdopen(os.open(path, flags, 0o666), "a", encoding="utf-8")


def _direct_mode(path: Path) -> Literal["ab", "wb"] | None:
    """Return how to open what must not be replaced; None for a file that can be.

    Renaming would put a file in the place of a device, a pipe or a folder. An open file of this process, such as
    /dev/stdout, has other writers: what they wrote stays. A file whose folder is not writable can only be overwritten.
    """
    if path.as_posix().startswith(_OPEN_FILES):
        return "ab"
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return None
    if not is_file:
        return "ab"
    return None if os.access(real_path(path).parent, os.W_OK) else "wb"
