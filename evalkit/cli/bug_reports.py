"""Report an exception that no part of evalkit expects: one line, and a file with the traceback."""

from __future__ import annotations

import errno
import os
import re
import sys
import tempfile
import traceback
from contextlib import suppress

from evalkit.errors import EvalkitError, InputError, WorldError, printable, shortened

_MOST_BYTES = 1_000_000
"""Size of a traceback file; an exception's message may have any length."""
_NO_ROOM = re.compile(
    "cannot allocate memory|failed to map segment|can't start new thread|failed to launch worker thread",
    re.IGNORECASE,
)
"""What the loader of shared libraries says where memory or threads are limited."""


def bug_report(error: BaseException) -> str:
    """Return the text that reports a bug, and write its traceback to a file; never fail.

    Without a file, as on a full disk, the text names the line that raised the exception.
    """
    hint = f"please report it with {file}" if (file := _write_traceback(error)) else _without_file(error)
    return EvalkitError(
        f"this is a bug in evalkit: {type(error).__name__}: {_message_of(error)}", hint
    ).render()


def memory_limit(error: BaseException) -> WorldError | None:
    """Return the error for a lack of memory, of room for a library, or of room for a thread; None for another one."""
    message = _message_of(error)
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
    if isinstance(error, RuntimeError) and _message_of(error).startswith("Symlink loop from"):
        return InputError(_message_of(error), "remove the link")
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


def _message_of(error: BaseException) -> str:
    """Return the message of an exception, whatever its ``__str__`` does."""
    try:
        return shortened(str(error), 1_000)
    except BaseException as inner:  # noqa: BLE001 - a foreign method can raise anything
        return f"its message cannot be read ({type(inner).__name__})"


def _write_traceback(error: BaseException) -> str | None:
    """Write the traceback to a file and return its name; None if it cannot be written."""
    name = None
    try:
        descriptor, name = tempfile.mkstemp(prefix="evalkit-", suffix=".log")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            left = _MOST_BYTES
            for line in traceback.format_exception(error):
                file.write(shortened(line, left))
                left = max(left - len(line), 0)
    except BaseException:  # noqa: BLE001 - a report of a bug must not fail
        if name is not None:
            with suppress(OSError):
                os.unlink(name)  # noqa: PTH108 - nothing more to import where memory is short
        return None
    return name


def _without_file(error: BaseException) -> str:
    """Return the hint for a bug whose traceback cannot be written."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"; it was raised at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return printable(f"please report it with the command{where}; no file can be written to {_folder()}")


def _folder() -> str:
    """Return the folder of temporary files."""
    with suppress(OSError):
        return tempfile.gettempdir()
    return "the folder of temporary files"
