"""``log.jsonl``: what happened when, one JSON object a line, warnings and tracebacks included."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import orjson

logger = logging.getLogger("evalkit")


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
        return orjson.dumps(event).decode()


@contextmanager
def logged_to(path: Path) -> Iterator[logging.Logger]:
    """Write evalkit's log records to a file while the block runs; a failure ends it with its traceback."""
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(_JsonLines())
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield logger
    except BaseException as error:
        logger.error("stopped: %s", type(error).__name__, exc_info=error)  # noqa: TRY400 - the traceback is asked for
        raise
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()
