"""A JSON Lines file that several processes append to, complete up to its last line after a kill."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from filelock import FileLock

from evalkit.errors import InputError, StorageError
from evalkit.files import append_lines, make_folder, real_path, write_file
from evalkit.formats import COMPRESSED_SUFFIXES
from evalkit.formats.file_kinds import HEAD_BYTES, wide_encoding

_HINT = "choose a writable folder"


@dataclass(frozen=True, slots=True)
class LineFile:
    """A file of JSON lines.

    Attributes
    ----------
    path
        The file; it need not exist.
    """

    path: Path

    def check_appendable(self) -> None:
        """Check that lines can be appended.

        Raises
        ------
        InputError
            If the file is compressed, or is text that is not UTF-8.
        StorageError
            If it cannot be written.
        """
        self._check_encoding()
        with self._locked():
            if self.path.exists() and not os.access(self.path, os.W_OK):
                raise StorageError(f"cannot write {self.path.absolute()}: permission denied", _HINT)

    def append(self, lines: bytes) -> None:
        """Append whole lines; they are on the disk when this returns.

        Raises
        ------
        InputError, StorageError
            If they cannot be written; see `check_appendable`.
        """
        self._check_encoding()
        with self._locked():
            append_lines(self.path, lines, is_json)

    def rewrite(self, content: Callable[[], bytes]) -> None:
        """Replace the content by what a function returns, which may read the file while no other process writes.

        Raises
        ------
        StorageError
            If the file cannot be written.
        """
        with self._locked():
            path = real_path(self.path)
            write_file(path, content(), inside=path.parent)

    def _check_encoding(self) -> None:
        """Check that lines of UTF-8 may follow those of the file.

        Raises
        ------
        InputError
            If they may not.
        """
        remedy = "name another file, or convert this one"
        if self.path.suffix.lower() in COMPRESSED_SUFFIXES:
            raise InputError(f"cannot append to {self.path}: it is compressed", f"{remedy}, e.g. with gunzip")
        if not self.path.is_file():
            return
        with self.path.open("rb") as file:
            wide = wide_encoding(file.read(HEAD_BYTES))
        if wide is not None:
            name = wide.upper()
            raise InputError(
                f"cannot append to {self.path}: it is {name} text", f"{remedy}: iconv -f {name} -t UTF-8"
            )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            make_folder(self.path.parent)
            with FileLock(self.path.with_name(f".{self.path.name}.lock")):
                yield
        except OSError as error:
            raise StorageError(
                f"cannot use {self.path.absolute()}: {error.strerror or error}", _HINT
            ) from None


def is_json(line: bytes) -> bool:
    """Return whether a line is a whole JSON value: one without a line break may be the beginning of one."""
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True
