"""A folder in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/<split>.tsv; or a zip of one."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from evalkit.config import DatasetSettings
from evalkit.datasets.assemble import Parts
from evalkit.datasets.columns import DocumentColumns, QueryColumns, documents, queries
from evalkit.datasets.corpora import Stamp
from evalkit.errors import DataFormatError
from evalkit.formats import (
    COMPRESSED_SUFFIXES,
    File,
    absolute_path,
    open_lines,
    read_qrels,
    read_rows,
    read_run,
)

CANDIDATES = "candidates.trec.gz"
"""Documents that the source of an import listed for each query."""

PROVENANCE = "PROVENANCE.md"
"""Where an imported folder says what it was made of."""


class BeirFolder:
    """A folder in BEIR's layout, or a zip of one, read where it lies."""

    class Settings(DatasetSettings):
        """Settings of a `beir_folder`.

        Attributes
        ----------
        path
            The folder, or a ``.zip``. Each of its files may be packed (``.gz``, ``.zst``).
        folder
            Folder inside the zip, where that holds several collections.
        split
            Name of the judgments' file in ``qrels/``, without its ending.
        """

        source: Literal["beir_folder"] = "beir_folder"
        path: Path
        folder: str | None = None
        split: str = "test"

        def default_name(self) -> str:
            """Return the folder's name."""
            return (self.folder or self.path.resolve().name.removesuffix(".zip")).rpartition("/")[2]

    @staticmethod
    def read(settings: Settings) -> Parts:
        """Read the folder."""
        return read_folder(settings.path, settings.split, settings.folder)


def read_folder(path: Path, split: str, inner: str | None = None) -> Parts:
    """Read corpus, queries and one split's judgments of a folder or zip.

    Raises
    ------
    DataFormatError
        If the folder or a file is missing; for a missing split the hint names those there are.
    """
    folder = _zipped(path, inner) if path.suffix == ".zip" else path
    if not folder.is_dir():
        raise DataFormatError(f"dataset folder not found: {absolute_path(folder)}", "check the path")
    judgments = _packed_or_not(folder / "qrels" / f"{split}.tsv")
    if not judgments.is_file():
        splits = sorted(re.sub(r"\.tsv.*", "", file.name) for file in _files(folder / "qrels"))
        there = (
            f"the splits there are: {', '.join(splits)}" if splits else "put judgments into qrels/<split>.tsv"
        )
        raise DataFormatError(f"file not found: {absolute_path(judgments)}", there)
    corpus = _packed_or_not(folder / "corpus.jsonl")
    listed = folder / CANDIDATES
    return Parts(
        location=str(path) if inner is None else f"{path}/{inner}",
        split=split,
        documents=documents(read_rows(corpus), DocumentColumns()),
        queries=queries(read_rows(_packed_or_not(folder / "queries.jsonl")), QueryColumns()),
        qrels=read_qrels(judgments),
        candidates=read_run(listed) if listed.is_file() else None,
        stamp=Stamp.of_files([corpus if isinstance(corpus, Path) else path], str(corpus)),
        licence=_licence(folder / PROVENANCE),
    )


def _zipped(path: Path, inner: str | None) -> File:
    """Return the collection's folder inside a zip."""
    try:
        root = zipfile.Path(path)
    except FileNotFoundError:
        raise DataFormatError(f"file not found: {path.resolve()}", "check the path") from None
    except (OSError, zipfile.BadZipFile) as error:
        raise DataFormatError(f"cannot read {path.resolve()}: {error}") from None
    if inner is not None:
        return root.joinpath(inner.strip("/"))
    found = re.compile(r"(.*/)?corpus\.jsonl(\.gz|\.zst)?")
    folders = [match[1] or "" for match in map(found.fullmatch, root.root.namelist()) if match]
    folders = [folder for folder in folders if not folder.startswith("__MACOSX")]
    if len(folders) != 1:
        names = ", ".join(sorted(folder.rstrip("/") for folder in folders))
        raise DataFormatError(
            f"{path.resolve()} holds {len(folders)} collections in BEIR's layout",
            f"name one of them: folder: {names}" if folders else "a collection has a corpus.jsonl",
        )
    return root.joinpath(folders[0]) if folders[0] else root


def _files(folder: File) -> Iterator[File]:
    return (file for file in folder.iterdir() if ".tsv" in file.name) if folder.is_dir() else iter(())


def _packed_or_not(path: File) -> File:
    """Return the file, or its packed twin where only that exists."""
    folder: Any = path.parent  # of a zip's file it is one of the zip, whatever the stubs say
    twins: list[File] = [folder / f"{path.name}{packed}" for packed in COMPRESSED_SUFFIXES]
    return next((twin for twin in twins if twin.is_file() and not path.is_file()), path)


def _licence(file: File) -> str | None:
    """Return the licence that the note of an import states."""
    if not file.is_file():
        return None
    stated = [
        line.removeprefix("- licence: ") for _, line in open_lines(file) if line.startswith("- licence: ")
    ]
    return stated[0] if stated and stated[0] != "not stated" else None
