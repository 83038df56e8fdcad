"""Read a folder of text files as a table of documents: one document in each file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from evalkit.errors import DataFormatError, tell
from evalkit.files import is_leftover
from evalkit.formats.row_files import Rows
from evalkit.formats.text_files import LONGEST_LINE, format_suffix, read_text

TEXT_SUFFIXES = (".txt", ".text", ".md", ".markdown")
"""Suffixes of the files that are documents; they may be compressed."""


def text_files(folder: Path) -> list[Path]:
    """Return the text files of a folder and of the folders in it, sorted; hidden ones are left out.

    Raises
    ------
    DataFormatError
        If there are none.
    """
    found = [path for path in _visible(folder) if format_suffix(path) in TEXT_SUFFIXES]
    if not found:
        raise DataFormatError(
            f"{folder.resolve()} has no text files ({', '.join(TEXT_SUFFIXES)})",
            "convert its documents to text, or use a table with the columns id and text",
        )
    return sorted(found)


def read_text_folder(folder: Path) -> Rows:
    """Yield a row for each text file of a folder, with the columns ``id`` and ``text``.

    The id is the path in the folder, with ``/`` between its parts; white space and ``%`` are percent-encoded, as in a
    URL. The text is the content without blank lines at its ends. Files of other kinds are counted in a message.

    Raises
    ------
    DataFormatError
        If there are no text files, or one cannot be read.
    """
    files = text_files(folder)
    others = sum(1 for _ in _visible(folder)) - len(files)
    if others:
        tell(f"{folder}: files that are not read, because they are no text files: {others}")
    return _rows(files, folder)


def _rows(files: list[Path], folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in files:
        doc_id = document_id(file.relative_to(folder).as_posix())
        yield str(file), {"id": doc_id, "text": read_text(file, LONGEST_LINE).strip()}


def document_id(path: str) -> str:
    """Return the id of the document in a file: its path, without white space."""
    return "".join(quote(one) if one.isspace() or one == "%" else one for one in path)


def _visible(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and not is_leftover(path) and path.is_file():
            yield path
