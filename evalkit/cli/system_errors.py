"""Errors of the system that any command can meet: too little memory, and paths that no file can have."""

from __future__ import annotations

import errno
import os
import re
import sys

from evalkit.cli.bug_reports import message_of
from evalkit.errors import InputError, WorldError

_NO_ROOM = re.compile(
    "cannot allocate memory|failed to map segment|can't start new thread|failed to launch worker thread",
    re.IGNORECASE,
)
"""What the loader of shared libraries says where memory or threads are limited."""


def memory_limit(error: BaseException) -> WorldError | None:
    """Return the error for a lack of memory, of room for a library, or of room for a thread; None for another one."""
    message = message_of(error)
    if isinstance(error, MemoryError):
        return WorldError(
            "not enough memory", "free memory, raise the limit (ulimit -v), or use smaller inputs"
        )
    if not isinstance(error, Exception) or not _NO_ROOM.search(message):
        return None
    return WorldError(
        f"not enough memory or threads: {message}", "raise the limits of this process (ulimit -v, ulimit -u)"
    )


def impossible_path(error: BaseException) -> InputError | None:
    """Return the error for a path that no file can have: too long, or a loop of links; None for another one."""
    if isinstance(error, OSError) and error.errno in {errno.ENAMETOOLONG, errno.ELOOP}:
        return InputError(f"{error.filename or 'a path'}: {error.strerror}", "give another path")
    if isinstance(error, RuntimeError) and message_of(error).startswith("Symlink loop from"):
        return InputError(message_of(error), "remove the link")
    return None


def check_text_of_paths() -> None:
    """Check that the arguments, the working folder and the cache folder are text.

    Raises
    ------
    InputError
        If the name of a file or folder is not UTF-8: it could not be written to any file of evalkit.
    """
    try:
        folder = os.getcwd()  # noqa: PTH109 - as the system has it
    except OSError:
        folder = ""  # it was removed
    for text in (*sys.argv[1:], folder, os.environ.get("EVALKIT_CACHE", "")):
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise InputError(
                f"{text!a} is not UTF-8",
                "rename the file or folder, and use a locale with UTF-8 (LC_ALL=C.UTF-8)",
            )
