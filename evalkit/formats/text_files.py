"""Read lines of a text file, plain or compressed, in a folder or in a zip archive; write gzipped text."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, count, islice
from pathlib import Path
from typing import IO, Any

import orjson

from evalkit.errors import DataFormatError
from evalkit.files import write_file
from evalkit.formats.file_kinds import HEAD_BYTES, check_no_bare_utf16, check_text, wide_encoding

File = Path | zipfile.Path
"""A file in a folder or in a zip archive."""

COMPRESSED_SUFFIXES = (".gz", ".zst")
"""Suffixes of files that are decompressed while they are read."""


LONGEST_LINE = 64 * 2**20
"""Bytes of one line; a document of a collection has some megabytes at most."""
FIRST_BYTES = 2**16
"""Bytes of the first block of a file: it is read with care."""
BLOCK_BYTES = 2**20
"""Bytes of the lines that are read at once where rows are short; several such blocks are in memory together."""
_WIDE_LINES = 10_000
"""Lines of a file in UTF-16 or UTF-32 that are read at once."""


@dataclass(frozen=True, slots=True)
class Block:
    """Adjacent lines of a file.

    Attributes
    ----------
    path
        The file.
    first
        Number of the first line.
    data
        The lines as UTF-8 with their line endings, which only the last line of a file may lack; blank ones, too.
    ends
        Number of line feeds.
    """

    path: File
    first: int
    data: bytes
    ends: int

    def ended_lines(self) -> Iterator[tuple[int, str, bool]]:
        """Yield number, line without its line ending, and whether it has one, of every line that is not blank.

        Raises
        ------
        DataFormatError
            If a line is not UTF-8.
        """
        return _ended_lines(map(self._decoded, count(self.first), io.BytesIO(self.data)), self.first)

    def _decoded(self, number: int, raw: bytes) -> str:
        return _decoded_line(raw, self.path, number, "utf-8")


def read_lines(path: File, encoding: str = "utf-8") -> Iterator[str]:
    """Yield every line with its line ending; gzip and zstd are decompressed, a byte order mark is removed.

    UTF-16 and UTF-32 are recognised by their byte order mark, whatever `encoding` says.

    Raises
    ------
    DataFormatError
        If the file is missing, cannot be read, is not text, has another encoding, or a line of more than
        `LONGEST_LINE` bytes.
    """
    with _opened(path) as file:
        yield from _decoded(file, path, encoding)


@contextmanager
def _opened(path: File) -> Iterator[Any]:
    """Open a file for bytes, decompressed; errors while it is read become `DataFormatError`."""
    try:
        with path.open("rb") as raw_file, _decompressed(raw_file, path.suffix) as file:
            yield file
    except FileNotFoundError:
        raise DataFormatError(f"file not found: {absolute_path(path)}", "check the path") from None
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        # zipfile raises the last two for a password and for an unknown compression method.
        ends_early = isinstance(error, EOFError) or "truncated" in str(error).lower()
        hint = "download or copy it again: the file is cut off" if ends_early else None
        raise DataFormatError(f"cannot read {absolute_path(path)}: {error}", hint) from None


def _decompressed(file: IO[Any], suffix: str) -> IO[bytes] | gzip.GzipFile | io.BufferedReader:
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=file)
    if suffix == ".zst":
        import pyarrow as pa

        return io.BufferedReader(pa.CompressedInputStream(file, "zstd"))
    return file


def _decoded(file: Any, path: File, encoding: str) -> Iterator[str]:
    """Yield the lines of a binary file as text.

    Raises
    ------
    DataFormatError
        If it is not text.
    """
    head = file.peek(HEAD_BYTES)[:HEAD_BYTES]
    check_text(head, path)
    wide = wide_encoding(head)
    if wide is not None:
        yield from _wide_lines(file, path, wide)
        return
    check_no_bare_utf16(head, path)
    for number, raw in enumerate(iter(partial(file.readline, LONGEST_LINE + 1), b""), start=1):
        if len(raw) > LONGEST_LINE:
            raise _too_long(path, number)
        yield _decoded_line(raw, path, number, encoding)


def _decoded_line(raw: bytes, path: File, number: int, encoding: str) -> str:
    """Return a line as text; a byte order mark before the first one is removed.

    Raises
    ------
    DataFormatError
        If the line has another encoding.
    """
    try:
        return raw.decode("utf-8-sig" if number == 1 and encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        raise _wrong_encoding(path, number, encoding, error) from None


def _wide_lines(file: Any, path: File, encoding: str) -> Iterator[str]:
    """Yield the lines of a file whose characters have two or four bytes."""
    try:
        with io.TextIOWrapper(file, encoding=encoding, newline="\n") as lines:
            for number, line in enumerate(iter(partial(lines.readline, LONGEST_LINE + 1), ""), start=1):
                if len(line) > LONGEST_LINE:
                    raise _too_long(path, number)
                yield line
    except UnicodeDecodeError as error:
        raise DataFormatError(
            f"{path} is invalid {encoding.upper()} text: {error.reason}", "convert the file to UTF-8"
        ) from None


def _too_long(path: File, number: int) -> DataFormatError:
    """Return the error for a line that may have no end, as of a compressed file that was made to fill the memory."""
    return DataFormatError(
        f"{path}:{number} is a line of more than {LONGEST_LINE // 2**20} MiB",
        "write one record per line",
    )


def _wrong_encoding(path: File, number: int, encoding: str, error: UnicodeDecodeError) -> DataFormatError:
    """Return the error for a line with a byte that the encoding does not have."""
    column = len(error.object[: error.start].decode(encoding, "replace")) + 1
    return DataFormatError(
        f"{path}:{number} is not {'UTF-8' if encoding == 'utf-8' else encoding} text:"
        f" byte 0x{error.object[error.start]:02X} at column {column}",
        "convert the file to UTF-8, for instance from Latin-1: iconv -f ISO-8859-1 -t UTF-8 FILE",
    )


def read_text(path: File, most_characters: int) -> str:
    """Return the content of a text file; see `read_lines`.

    Raises
    ------
    DataFormatError
        If it has more than `most_characters`.
    """
    parts: list[str] = []
    left = most_characters
    for line in read_lines(path):
        left -= len(line)
        if left < 0:
            raise DataFormatError(f"{path} is larger than {most_characters} characters", "split the file")
        parts.append(line)
    return "".join(parts)


def open_lines(path: File, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Yield ``(line number, line without its line ending)`` of every line that is not blank; see `read_lines`."""
    for number, line, _ in open_ended_lines(path, encoding):
        yield number, line


def open_ended_lines(path: File, encoding: str = "utf-8") -> Iterator[tuple[int, str, bool]]:
    """Yield what `open_lines` does, and whether the line has a line ending: the last one of a cut off file has none."""
    return _ended_lines(read_lines(path, encoding), 1)


def _ended_lines(lines: Iterable[str], first: int) -> Iterator[tuple[int, str, bool]]:
    for number, line in enumerate(lines, start=first):
        stripped = line.rstrip("\r\n")
        if stripped and not stripped.isspace():
            yield number, stripped, line.endswith("\n")


def read_blocks(path: File) -> Iterator[Block]:
    """Yield the lines of a file in blocks of `FIRST_BYTES` and then `BLOCK_BYTES`; see `read_lines`.

    A last line without a line ending is a block of its own.
    """
    with _opened(path) as file:
        head = file.peek(HEAD_BYTES)[:HEAD_BYTES]
        check_text(head, path)
        wide = wide_encoding(head)
        parts: Iterable[bytes]
        if wide is None:
            check_no_bare_utf16(head, path)
            parts = chain([file.read(FIRST_BYTES)], iter(partial(file.read, BLOCK_BYTES), b""))
        else:
            lines = _wide_lines(file, path, wide)
            parts = iter(lambda: "".join(islice(lines, _WIDE_LINES)).encode(), b"")
        number, rest = 1, b""
        for part in parts:
            edge = part.rfind(b"\n") + 1
            if edge:
                ends = part.count(b"\n")
                yield Block(path, number, b"".join((rest, memoryview(part)[:edge])), ends)
                number, rest = number + ends, part[edge:]
            else:
                rest += part
            if len(rest) > LONGEST_LINE:
                raise _too_long(path, number)
        if rest:
            yield Block(path, number, rest, 0)


def read_json_lines(path: File, before: int | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield ``(line number, object)`` of a JSON Lines file, or of its lines before one with a number.

    Raises
    ------
    DataFormatError
        If a line is not a JSON object.
    """
    for number, line in open_lines(path):
        if number == before:
            return
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise DataFormatError(
                f"{path}:{number} is not JSON: {error}",
                "repair the line, or delete it: each line is one object",
            ) from None
        if not isinstance(value, dict):
            raise DataFormatError(f"{path}:{number} is not a JSON object", "write one object per line")
        yield number, value


def absolute_path(path: File) -> str:
    """Return the absolute path of a file, for messages."""
    return str(path.resolve() if isinstance(path, Path) else Path(str(path)).resolve())


def format_suffix(path: File) -> str:
    """Return the suffix that identifies the format in lower case, e.g. ``.tsv`` for ``collection.tsv.gz``."""
    name = path.name
    for compressed in COMPRESSED_SUFFIXES:
        name = name.removesuffix(compressed)
    return Path(name).suffix.lower()


def write_gzip(path: Path, text: str, *, inside: Path | None = None) -> None:
    """Write gzipped text reproducibly: without a time or a file name in the header. See `write_file` for `inside`."""
    # Level 9 takes four times as long and saves half a percent.
    write_file(path, gzip.compress(text.encode("utf-8"), compresslevel=6, mtime=0), inside=inside)
