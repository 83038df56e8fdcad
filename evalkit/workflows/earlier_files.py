"""Derived files that need not be made again: those of the result itself, or of another one with the same data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.errors import InputError
from evalkit.files import remove_folder, replacing_folder, write_file
from evalkit.report.explorer import as_script
from evalkit.results import ResultFolder
from evalkit.results.derivation_keys import DerivationKeys
from evalkit.results.derived_record import (
    DerivedRecord,
    derived_hashes,
    explorer_place,
    neighbours,
    read_record,
    write_record,
)
from evalkit.results.timed_calls import CellCalls, cells_of, vouched_cells


@dataclass(frozen=True, slots=True, eq=False)
class ReportParts:
    """What the pages of a report need apart from the documents.

    Attributes
    ----------
    timed
        The timed calls, by cell of the latency pass.
    explored
        Data of the query explorer; None without one.
    files
        Path -> SHA-256 of all derived files but the pages, where they are in place; empty if they are to be written.
    tuned_at, pictures
        See `DerivedRecord`.
    """

    timed: Sequence[CellCalls]
    explored: Mapping[str, Any] | None
    files: Mapping[str, str] = field(default_factory=dict)
    tuned_at: str = ""
    pictures: Mapping[str, str] = field(default_factory=dict)


def take_over(folder: ResultFolder, keys: DerivationKeys | None) -> ReportParts | None:
    """Put all files but the pages in their places, from a result with the same raw data, and drop the HTML page.

    Every file is compared with the hash that was recorded when it was derived.

    Returns
    -------
    ReportParts or None
        None if there is no such result, or its files were changed.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    if keys is None:
        return None
    for source in (folder, *neighbours(folder)):
        record = read_record(source)
        if record is not None and record.keys.documents == keys.documents:
            with suppress(InputError):
                return _take(folder, source, record)
    return None


def _take(folder: ResultFolder, source: ResultFolder, record: DerivedRecord) -> ReportParts:
    """Take the files of one result.

    Raises
    ------
    InputError
        If one of them was changed.
    """
    explored = record.read_explorer(source)
    wanted = _without_pages(folder, record.files)
    if source is folder:
        if _without_pages(folder, derived_hashes(folder)) != wanted:
            raise InputError(f"derived files of {folder.path} were changed")
        folder.drop_report()
    else:
        _copy(folder, source, record, wanted)
    is_timed = any(row.pass_ == "latency" for row in folder.read_summary().calls)
    timed = vouched_cells(cells_of(folder.read_call_rows())) if is_timed else ()
    return ReportParts(timed, explored, wanted, record.tuned_at, record.pictures)


def _without_pages(folder: ResultFolder, files: Mapping[str, str]) -> dict[str, str]:
    """Return the files that are the same for all runs that measured the same."""
    pages = {folder.report_markdown_file.name, folder.report_html_file.name}
    return {name: digest for name, digest in files.items() if name not in pages}


def _copy(
    folder: ResultFolder, source: ResultFolder, record: DerivedRecord, wanted: Mapping[str, str]
) -> None:
    """Copy files of another result; nothing is replaced before all of them are known to be unchanged."""
    folders = {one.name: one for one in (folder.runs_folder, folder.plots_folder, folder.tables_folder)}
    documents = {name: record.read(source, name) for name in wanted if "/" not in name}
    with ExitStack() as stack:
        for parent, into in folders.items():
            names = [name for name in wanted if name.startswith(f"{parent}/")]
            if names or into is not folder.runs_folder:
                new = stack.enter_context(replacing_folder(into, inside=folder.path))
                for name in names:
                    write_file(new / Path(name).name, record.read(source, name), inside=new)
            else:
                stack.callback(remove_folder, into)
        folder.drop_report()
    for name, content in documents.items():
        write_file(folder.path / name, content, inside=folder.path)


def record_derived(folder: ResultFolder, keys: DerivationKeys, parts: ReportParts) -> None:
    """Record what the derived files of a folder were made from, once all of them are there.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    data = None if parts.explored is None else as_script(parts.explored).encode()
    place = explorer_place(folder.report_html_file.read_bytes(), data)
    files = derived_hashes(folder, parts.files)
    write_record(folder, DerivedRecord(keys, files, place, parts.tuned_at, parts.pictures))
