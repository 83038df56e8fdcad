"""Lines of a text file, plain or packed, in a folder or in a zip, with their numbers."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import orjson

from evalkit.errors import DataFormatError

File = Path | zipfile.Path
"""A file of a folder, or of a zip."""

PACKED = (".gz", ".zst")
"""Endings of files that are unpacked while they are read."""


def read_lines(path: File, encoding: str = "utf-8") -> Iterator[str]:
    """Yield every line with its end; gzip and zstd are unpacked, a byte order mark is dropped.

    Raises
    ------
    DataFormatError
        If the file is missing, cannot be read, or is in another encoding.
    """
    number = 0
    try:
        with path.open("rb") as raw_file, _unpacked(raw_file, path.suffix) as file:
            for number, raw in enumerate(file, start=1):
                yield raw.decode("utf-8-sig" if number == 1 and encoding == "utf-8" else encoding)
    except FileNotFoundError:
        raise DataFormatError(f"file not found: {absolute(path)}", "check the path") from None
    except UnicodeDecodeError:
        said = "UTF-8" if encoding == "utf-8" else encoding
        raise DataFormatError(f"{path}:{number} is not {said} text", "convert the file to UTF-8") from None
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        # The last two are zipfile's words for a password and for a way of packing it does not know.
        raise DataFormatError(f"cannot read {absolute(path)}: {error}") from None


def _unpacked(file: IO[Any], suffix: str) -> IO[bytes] | gzip.GzipFile | io.BufferedReader:
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=file)
    if suffix == ".zst":
        import pyarrow as pa

        return io.BufferedReader(pa.CompressedInputStream(file, "zstd"))
    return file


def open_lines(path: File, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Yield ``(line number, line without its end)`` of every line that is not blank; see `read_lines`."""
    for number, line in enumerate(read_lines(path, encoding), start=1):
        bare = line.rstrip("\r\n")
        if bare and not bare.isspace():
            yield number, bare


def read_json_lines(path: File) -> Iterator[tuple[int, dict[str, Any]]]:
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


def absolute(path: File) -> str:
    """Return where a file is, from the root on."""
    return str(path.resolve() if isinstance(path, Path) else Path(str(path)).resolve())


def ending(path: File) -> str:
    """Return the ending that tells the format, e.g. ``.tsv`` of ``collection.tsv.gz``."""
    name = path.name
    for packed in PACKED:
        name = name.removesuffix(packed)
    return Path(name).suffix.lower()


def write_gzip(path: Path, text: str) -> None:
    """Write gzipped text whose bytes depend on the text alone (no time, no name)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Level 9 takes four times as long for half a percent.
    path.write_bytes(gzip.compress(text.encode("utf-8"), compresslevel=6, mtime=0))
