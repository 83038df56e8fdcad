"""``log.jsonl``: one JSON object per log record, with warnings and tracebacks."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path

import orjson

from evalkit.errors import StorageError, shortened
from evalkit.files import open_to_append

logger = logging.getLogger("evalkit")
MOST_CHARACTERS = 100_000
"""Length of a text of a record, such as a traceback, above which its middle is left out."""


class _LogFile(logging.FileHandler):
    def _open(self) -> TextIOWrapper:
        file = Path(self.baseFilename)
        try:
            return open_to_append(file, inside=file.parent)
        except OSError as error:
            raise _cannot_write(file, error) from None

    def close(self) -> None:
        """Make the file durable, and close it."""
        with suppress(OSError):  # a device; a full disk was reported when the line was written
            if self.stream is not None:
                os.fsync(self.stream.fileno())
        super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Raise StorageError where a line cannot be written: the results could not be written either."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        raise _cannot_write(self.baseFilename, error)


def _cannot_write(file: Path | str, error: OSError) -> StorageError:
    return StorageError(f"cannot write {file}: {error}", "free disk space or fix the permissions")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        event = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        # JSON has no halves of surrogate pairs, which names of files may hold.
        valid = {
            key: shortened(text, MOST_CHARACTERS).encode("utf-8", "backslashreplace").decode()
            for key, text in event.items()
        }
        return orjson.dumps(valid).decode()


@contextmanager
def logged_to(path: Path) -> Iterator[logging.Logger]:
    """Write evalkit's log records to a file while the block runs; an exception is logged with its traceback."""
    handler = _LogFile(path, encoding="utf-8", delay=True)
    handler.setFormatter(_JsonLines())
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield logger
    except BaseException as error:
        logger.error("stopped: %s", type(error).__name__, exc_info=error)  # noqa: TRY400 - exc_info is passed
        raise
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        with suppress(OSError):  # a full disk was reported when the line was written
            handler.close()
