"""Recognise files that are not text by their first bytes, whatever they are called."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

from evalkit.errors import DataFormatError

HEAD_BYTES = 4096
_EXPORT = "open it and export the sheet as CSV (UTF-8)"


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file that is not read as text.

    Attributes
    ----------
    name
        With its article, for messages.
    remedy
        What the user can do about it.
    """

    name: str
    remedy: str


_UNPACK = "decompress it, or compress it with gzip (.gz) or zstd (.zst)"
_WORKBOOK = FileKind(
    "an Excel workbook (.xlsx)",
    "rename it to end in .xlsx if a table is expected, else export the sheet as CSV (UTF-8)",
)
_SAVE_AS = "save it as .xlsx, or export the sheet as CSV (UTF-8)"
_SIGNATURES = (
    (b"\xd0\xcf\x11\xe0", FileKind("an Excel workbook (.xls) or another old Office file", _SAVE_AS)),
    (
        b"PAR1",
        FileKind(
            "a Parquet file", "rename it to end in .parquet if a table is expected, else export it as text"
        ),
    ),
    (b"\x1f\x8b", FileKind("a gzip file", "rename it to end in .gz")),
    (b"\x28\xb5\x2f\xfd", FileKind("a zstd file", "rename it to end in .zst")),
    (b"BZh", FileKind("a bzip2 file", _UNPACK)),
    (b"\xfd7zXZ\x00", FileKind("an xz file", _UNPACK)),
    (b"7z\xbc\xaf", FileKind("a 7z archive", _UNPACK)),
    (b"SQLite format 3\x00", FileKind("an SQLite database", "export the table as CSV (UTF-8)")),
    (b"%PDF-", FileKind("a PDF document", "export the text as CSV or JSON Lines")),
)
_PARTS_OF_ZIPS = (
    ("xl/vbaProject.bin", FileKind("an Excel workbook with macros (.xlsm)", _SAVE_AS)),
    ("xl/workbook.bin", FileKind("a binary Excel workbook (.xlsb)", _SAVE_AS)),
    ("xl/", _WORKBOOK),
    ("Index/", FileKind("a Numbers spreadsheet (.numbers)", _EXPORT)),
    ("word/", FileKind("a Word document (.docx)", "export the text as CSV or JSON Lines")),
    ("content.xml", FileKind("an OpenDocument file such as a spreadsheet (.ods)", _SAVE_AS)),
)
"""Beginning of the name of a file in a zip archive -> what the archive is."""
_ARCHIVE = FileKind("a zip archive", "unpack it, or set source: beir_folder for a zip in BEIR's layout")


def kind_of(head: bytes, path: object) -> FileKind | None:
    """Return the kind of a file that is not text, from its first bytes; None if it may be text."""
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_zip(head, path)
    return next((kind for signature, kind in _SIGNATURES if head.startswith(signature)), None)


def is_workbook(head: bytes, path: object) -> bool:
    """Return whether a file is an Excel workbook (.xlsx), from its first bytes."""
    return kind_of(head, path) == _WORKBOOK


def check_text(head: bytes, path: object) -> None:
    """Check that a file may be text.

    Raises
    ------
    DataFormatError
        If its first bytes are those of another kind of file; the message names the kind, the hint the remedy.
    """
    kind = kind_of(head, path)
    if kind is not None:
        raise DataFormatError(f"{path} is {kind.name}, not text", kind.remedy)


def wide_encoding(head: bytes) -> str | None:
    """Return ``utf-16`` or ``utf-32`` if the first bytes are the byte order mark of one of them, else None."""
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32"
    return "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else None


def check_no_bare_utf16(head: bytes, path: object) -> None:
    """Check that a file is not UTF-16 without a byte order mark: in plain letters every second byte is 0.

    Raises
    ------
    DataFormatError
        If it is.
    """
    even, odd = head[0::2], head[1::2]
    for name, zeros, others in (("UTF-16LE", odd, even), ("UTF-16BE", even, odd)):
        if len(zeros) > 1 and zeros.count(0) > 0.4 * len(zeros) and others.count(0) < 0.1 * len(others):
            raise DataFormatError(
                f"{path} is {name} text without a byte order mark",
                f"convert it to UTF-8: iconv -f {name} -t UTF-8 FILE",
            )


def _kind_of_zip(head: bytes, path: object) -> FileKind:
    """Return what a zip archive is, from the names of its files, or of the first one if it is compressed itself."""
    names = [head[30:60].decode("ascii", "replace")]
    try:
        if isinstance(path, Path):
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        pass
    found = (kind for part, kind in _PARTS_OF_ZIPS if any(name.startswith(part) for name in names))
    return next(found, _ARCHIVE)
