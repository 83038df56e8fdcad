"""Append whole lines to a file that a kill may have left with the beginning of a line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from evalkit.files.unfinished import make_folder, real_path, sync_folder
from evalkit.files.whole_files import open_to_append

_PIECE = 65_536
IsWhole = Callable[[bytes], bool]


def append_lines(path: Path, lines: bytes, is_whole: IsWhole) -> None:
    """Append lines to a file, which is made if it is missing; they are on the disk when this returns.

    Parameters
    ----------
    path
        The file. A link is followed: the user named it.
    lines
        Whole lines.
    is_whole
        Whether a last line without a line break is whole, as editors leave it; the beginning of one is removed.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path = real_path(path)
    make_folder(path.parent)
    if path.exists():
        _end_last_line(path, is_whole)
    is_new = not path.exists()
    with open_to_append(path, inside=path.parent) as file:
        file.buffer.write(lines)
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        sync_folder(path.parent)


def _end_last_line(path: Path, is_whole: IsWhole) -> None:
    """Have a file end with a line break: a whole last line gets one, the beginning of a line is removed."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        start = _start_of_last_line(file.fileno(), end)
        if start == end:
            return
        file.seek(start)
        whole = is_whole(file.read())
    with path.open("r+b") as file:
        if whole:
            file.seek(end)
            file.write(b"\n")
        else:
            file.truncate(start)
        file.flush()
        os.fsync(file.fileno())


def _start_of_last_line(descriptor: int, end: int) -> int:
    """Return the place after the last line break."""
    while end:
        start = max(0, end - _PIECE)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
