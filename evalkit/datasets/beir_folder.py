"""The source for BEIR's layout, in a folder or a zip archive: corpus.jsonl, queries.jsonl, qrels/<split>.tsv."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal, NoReturn

from evalkit.config import DatasetSettings, InputPath
from evalkit.datasets.assemble import Parts
from evalkit.datasets.columns import DocumentColumns, QueryColumns, documents, queries_with_exclusions
from evalkit.datasets.corpora import Stamp
from evalkit.errors import DataFormatError, InputError
from evalkit.formats import (
    COMPRESSED_SUFFIXES,
    File,
    QrelsFile,
    absolute_path,
    open_lines,
    read_judgments,
    read_qrels_file,
    read_rows,
    read_run,
)
from evalkit.records import Qrels

CANDIDATES = "candidates.trec.gz"
"""File with the candidates that the source of an import lists for each query."""

_JUDGMENTS = (".tsv", ".jsonl")
"""How files of judgments end: BEIR's, and judgments by raters."""

PROVENANCE = "PROVENANCE.md"
"""File that states the origin of an imported folder."""


class BeirFolder:
    """A folder or zip file in BEIR's layout."""

    class Settings(DatasetSettings):
        """Settings of a `beir_folder`.

        Attributes
        ----------
        path
            Folder or ``.zip`` file. Its files may be compressed (``.gz``, ``.zst``).
        folder
            Folder inside the folder or zip, if that contains several datasets, such as CQADupStack.
        split
            Name of the judgments file in ``qrels/``, without its extension: ``.tsv``, or ``.jsonl`` for judgments by
            raters.
        """

        source: Literal["beir_folder"] = "beir_folder"
        path: InputPath
        folder: str | None = None
        split: str = "test"

        repeats_exactly: ClassVar[bool] = True

        def default_name(self) -> str:
            """Return the folder's name."""
            name = self.folder or self.path.resolve().name.removesuffix(".zip")
            return name.rstrip("/").rpartition("/")[2]

        def missing_files(self) -> Iterator[InputError]:
            """Yield an error for each of the three files that is missing."""
            try:
                folder = _open_folder(self.path, self.folder)
            except InputError as error:
                yield error
                return
            for name in ("corpus.jsonl", "queries.jsonl"):
                if not (file := _existing_variant(folder / name)).is_file():
                    yield DataFormatError(f"file not found: {absolute_path(file)}", "check the path")
            try:
                _find_judgments(folder, self.split)
            except InputError as error:
                if not self.judgments or (folder / "qrels").is_dir():
                    yield error

    @staticmethod
    def read(settings: Settings) -> Parts:
        """Read the folder."""
        return read_folder(
            settings.path, settings.split, settings.folder, without_qrels=bool(settings.judgments)
        )


def read_folder(path: Path, split: str, inner: str | None = None, *, without_qrels: bool = False) -> Parts:
    """Read corpus, queries and the judgments of one split.

    Parameters
    ----------
    path
        Folder or zip archive.
    split
        Name of the split.
    inner
        Folder inside it that contains the collection.
    without_qrels
        Whether the folder ``qrels`` may be missing, as there are judgments elsewhere.

    Raises
    ------
    DataFormatError
        If the folder or a file is missing; if the split is missing, the hint lists the existing splits.
    """
    folder = _open_folder(path, inner)
    unjudged = without_qrels and not (folder / "qrels").is_dir()
    corpus = _existing_variant(folder / "corpus.jsonl")
    judged = QrelsFile(Qrels({}), ()) if unjudged else _read_judgments(_find_judgments(folder, split))
    candidates = folder / CANDIDATES
    queries, excluded = queries_with_exclusions(
        read_rows(_existing_variant(folder / "queries.jsonl")), QueryColumns()
    )
    return Parts(
        location=str(path) if inner is None else f"{path}/{inner}",
        split=None if unjudged else split,
        documents=documents(read_rows(corpus), DocumentColumns()),
        queries=queries,
        qrels=judged.qrels,
        candidates=read_run(candidates) if candidates.is_file() else None,
        stamp=Stamp.of_files([corpus if isinstance(corpus, Path) else path], str(corpus)),
        licence=_licence(folder / PROVENANCE),
        excluded=excluded,
        failures=judged.failures,
        raters=judged.raters,
    )


def _read_judgments(file: File) -> QrelsFile:
    return read_qrels_file(file) if ".tsv" in file.name else read_judgments(file)


def _open_folder(path: Path, inner: str | None) -> File:
    """Return the folder of a collection, on disk or in a zip archive.

    Raises
    ------
    DataFormatError
        If there is none, or if it contains several collections and none is chosen.
    """
    folder = _zip_folder(path, inner) if path.suffix == ".zip" else path / (inner or "")
    if not folder.is_dir():
        raise DataFormatError(f"dataset folder not found: {absolute_path(folder)}", "check the path")
    if isinstance(folder, Path) and not _existing_variant(folder / "corpus.jsonl").is_file():
        found = {file.parent.name for file in folder.glob("*/corpus.jsonl*")}
        if found:
            _refuse_several(folder, found)
    return folder


def _refuse_several(path: Path, folders: Collection[str]) -> NoReturn:
    names = ", ".join(sorted(folders))
    raise DataFormatError(
        f"{path.resolve()} contains {len(folders)} datasets in BEIR's layout",
        f"set folder to one of: {names}" if folders else "use a zip that contains corpus.jsonl",
    )


def _find_judgments(folder: File, split: str) -> File:
    """Return the file with the judgments of a split.

    Raises
    ------
    DataFormatError
        If there is none; the hint lists the existing splits.
    """
    names = [f"{split}{suffix}" for suffix in _JUDGMENTS]
    judgments, lines = (_existing_variant(folder / "qrels" / name) for name in names)
    if not judgments.is_file():
        if lines.is_file():
            return lines
        splits = sorted(
            {re.sub(r"\.(?:tsv|jsonl).*", "", file.name) for file in _judgment_files(folder / "qrels")}
        )
        hint = (
            f"use one of the splits: {', '.join(splits)}"
            if splits
            else "save the judgments as qrels/<split>.tsv"
        )
        raise DataFormatError(f"file not found: {absolute_path(judgments)}", hint)
    return judgments


def _zip_folder(path: Path, inner: str | None) -> File:
    """Return the folder in a zip archive that contains the collection: `inner`, or the only one with a corpus."""
    try:
        root = zipfile.Path(_open_archive(path))
    except FileNotFoundError:
        raise DataFormatError(f"file not found: {path.resolve()}", "check the path") from None
    except (OSError, zipfile.BadZipFile) as error:
        raise DataFormatError(f"cannot read {path.resolve()}: {error}") from None
    if inner is not None:
        return root.joinpath(inner.strip("/"))
    corpus_name = re.compile(r"(.*/)?corpus\.jsonl(\.gz|\.zst)?")
    folders = [match[1] or "" for match in map(corpus_name.fullmatch, root.root.namelist()) if match]
    folders = [folder for folder in folders if not folder.startswith("__MACOSX")]
    if len(folders) != 1:
        _refuse_several(path, [folder.rstrip("/") for folder in folders])
    return root.joinpath(folders[0]) if folders[0] else root


def _open_archive(path: Path) -> zipfile.ZipFile:
    """Return a zip archive; names with backslashes, which some tools on Windows write, get slashes."""
    archive = zipfile.ZipFile(path)
    for entry in archive.filelist:
        entry.filename = entry.filename.replace("\\", "/")
    archive.NameToInfo = {entry.filename: entry for entry in archive.filelist}
    return archive


def _judgment_files(folder: File) -> Iterator[File]:
    found = folder.iterdir() if folder.is_dir() else iter(())
    return (file for file in found if any(suffix in file.name for suffix in _JUDGMENTS))


def _existing_variant(path: File) -> File:
    """Return the path of a compressed variant of the file if only that exists, else the path itself."""
    if path.is_file():
        return path
    folder: Any = path.parent  # the stubs lack that the parent of a zipfile.Path is a zipfile.Path
    variants: list[File] = [folder / f"{path.name}{suffix}" for suffix in COMPRESSED_SUFFIXES]
    return next((variant for variant in variants if variant.is_file()), path)


def _licence(file: File) -> str | None:
    """Return the licence stated in the provenance file of an import; None if it is not stated."""
    if not file.is_file():
        return None
    stated = [
        line.removeprefix("- licence: ") for _, line in open_lines(file) if line.startswith("- licence: ")
    ]
    return stated[0] if stated and stated[0] != "not stated" else None
