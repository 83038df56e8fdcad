"""``derived.json``: from what the derived files of a result were made, and the hash of each of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from evalkit.cache import content_hash
from evalkit.errors import InputError
from evalkit.files import is_leftover, write_file
from evalkit.results.derivation_keys import DerivationKeys
from evalkit.results.folder import ResultFolder
from evalkit.results.json_shapes import from_plain, read_json, to_json, to_plain
from evalkit.results.seals import seal

_REMEDY = "delete the file"
MOST_NEIGHBOURS = 10
"""Results in the same parent folder whose files are looked at."""


@dataclass(frozen=True, slots=True)
class DerivedRecord:
    """The content of ``derived.json``.

    Attributes
    ----------
    keys
        Of what the files were derived from.
    files
        Path in the result folder -> SHA-256 of each derived file.
    explorer
        First byte and length of the query explorer's data in the HTML page, which may have none; None if unknown.
    tuned_at
        Key of the depths at which thresholds and calibrations were made.
    pictures
        Path in the result folder -> key of what is drawn, of each PNG file.
    """

    keys: DerivationKeys
    files: Mapping[str, str]
    explorer: tuple[int, int] | None
    tuned_at: str
    pictures: Mapping[str, str]

    def read(self, folder: ResultFolder, name: str) -> bytes:
        """Return the content of a derived file.

        Raises
        ------
        InputError
            If it is missing, or was changed since it was derived.
        """
        file = folder.path / name
        try:
            content = file.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {file.absolute()}: {error.strerror}") from None
        if hashlib.sha256(content).hexdigest() != self.files.get(name):
            raise InputError(f"{file.absolute()} was changed")
        return content

    def read_explorer(self, folder: ResultFolder) -> dict[str, Any] | None:
        """Return the data of the query explorer; None where the page has no explorer.

        Raises
        ------
        InputError
            If the page is missing or was changed, or if it is unknown where the data are.
        """
        page = self.read(folder, folder.report_html_file.name)
        if self.explorer is None:
            raise InputError(f"{folder.report_html_file} has no known explorer")
        start, length = self.explorer
        data: dict[str, Any] | None = orjson.loads(page[start : start + length]) if length else None
        return data


def derived_hashes(folder: ResultFolder, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return path in the folder -> SHA-256 of the derived files that are there; the `known` ones are not read."""
    names = {file.relative_to(folder.path).as_posix(): file for file in _derived_files(folder)}
    return {name: (known or {}).get(name) or content_hash(file) for name, file in names.items()}


def _derived_files(folder: ResultFolder) -> Iterator[Path]:
    files = (
        folder.values_file,
        folder.summary_file,
        folder.comparisons_file,
        folder.tuning_file,
        folder.latency_file,
        folder.report_markdown_file,
        folder.report_html_file,
    )
    yield from (file for file in files if file.is_file())
    for parent in (folder.runs_folder, folder.plots_folder, folder.tables_folder):
        if parent.is_dir():
            yield from sorted(
                path for path in parent.rglob("*") if not path.is_dir() and not is_leftover(path)
            )


def write_record(folder: ResultFolder, record: DerivedRecord) -> None:
    """Write the record with its seal; without effect where nothing can be sealed.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    content = to_plain(record)
    sealed = seal(content)
    if sealed is not None:
        with folder.writing():
            write_file(folder.derived_file, to_json({"seal": sealed, **content}), inside=folder.path)


def read_record(folder: ResultFolder) -> DerivedRecord | None:
    """Return the record of a folder; None without one that this user's evalkit wrote on this machine."""
    if not folder.derived_file.is_file():
        return None
    try:
        content = read_json(folder.derived_file)
        sealed = content.pop("seal", None) if isinstance(content, dict) else None
        if sealed is None or sealed != seal(content):
            return None
        return from_plain(DerivedRecord, content, folder.derived_file, _REMEDY)
    except InputError:
        return None


def explorer_place(page: bytes, data: bytes | None) -> tuple[int, int] | None:
    """Return first byte and length of the explorer's data in a page; (0, 0) without data, None if not found."""
    if data is None:
        return 0, 0
    start = page.find(data)
    return None if start < 0 else (start, len(data))


def neighbours(folder: ResultFolder) -> list[ResultFolder]:
    """Return the newest other results of the same parent folder that have a record, the newest first."""
    own = folder.path.resolve()
    found = sorted(own.parent.glob(f"*/{folder.derived_file.name}"), reverse=True)
    return [ResultFolder(file.parent) for file in found if file.parent != own][:MOST_NEIGHBOURS]
