"""Lines of a text file, plain or gzipped, with their numbers."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from evalkit.errors import DataFormatError


def open_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield ``(line number, line without its end)`` of every line that is not blank.

    Raises
    ------
    DataFormatError
        If the file is missing, cannot be read, or is not UTF-8; the path is absolute.
    """
    number = 0
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rb") as file:
            for number, raw in enumerate(file, start=1):
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                if line and not line.isspace():
                    yield number, line
    except FileNotFoundError:
        raise DataFormatError(f"file not found: {path.resolve()}", "check the path") from None
    except UnicodeDecodeError:
        raise DataFormatError(f"{path}:{number} is not UTF-8 text", "convert the file to UTF-8") from None
    except (OSError, EOFError) as error:
        raise DataFormatError(f"cannot read {path.resolve()}: {error}") from None


def read_json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield ``(line number, object)`` of a JSON Lines file.

    Raises
    ------
    DataFormatError
        If a line is not a JSON object.
    """
    for number, line in open_lines(path):
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise DataFormatError(f"{path}:{number} is not JSON: {error}") from None
        if not isinstance(value, dict):
            raise DataFormatError(f"{path}:{number} is not a JSON object", "write one object per line")
        yield number, value


def write_gzip(path: Path, text: str) -> None:
    """Write gzipped text whose bytes depend on the text alone (no time, no name)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))
