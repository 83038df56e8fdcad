"""Report an exception that no part of evalkit expects: one line, and a file with the traceback."""

from __future__ import annotations

import os
import tempfile
import traceback
from contextlib import suppress

from evalkit.errors import EvalkitError, printable, shortened

_MOST_BYTES = 1_000_000
"""Size of a traceback file; an exception's message may have any length."""


def bug_report(error: BaseException) -> str:
    """Return the text that reports a bug, and write its traceback to a file; never fail.

    Without a file, as on a full disk, the text names the line that raised the exception.
    """
    hint = f"please report it with {file}" if (file := _write_traceback(error)) else _without_file(error)
    return EvalkitError(
        f"this is a bug in evalkit: {type(error).__name__}: {message_of(error)}", hint
    ).render()


def message_of(error: BaseException) -> str:
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
