"""A folder in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/<split>.tsv."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from evalkit.config import DatasetSettings
from evalkit.datasets.assemble import Parts, assemble
from evalkit.datasets.fields import documents_from_json_lines, queries_from_json_lines
from evalkit.errors import DataFormatError
from evalkit.formats import read_qrels
from evalkit.records import Dataset


class BeirFolder:
    """A local folder in BEIR's layout."""

    class Settings(DatasetSettings):
        """Settings of a `beir_folder`."""

        source: Literal["beir_folder"] = "beir_folder"
        path: Path
        split: str = "test"

        def default_name(self) -> str:
            """Return the folder's name."""
            return self.path.resolve().name

    @staticmethod
    def load(settings: Settings) -> Dataset:
        """Read the folder."""
        return assemble(settings, read_folder(settings.path, settings.split))


def read_folder(folder: Path, split: str) -> Parts:
    """Read corpus, queries and one split's judgments of a folder.

    Raises
    ------
    DataFormatError
        If the folder or a file is missing; for a missing split the hint names those there are.
    """
    if not folder.is_dir():
        raise DataFormatError(f"dataset folder not found: {folder.resolve()}", "check the path")
    judgments = folder / "qrels" / f"{split}.tsv"
    if not judgments.is_file():
        splits = sorted(file.stem for file in (folder / "qrels").glob("*.tsv"))
        there = (
            f"the splits there are: {', '.join(splits)}" if splits else "put judgments into qrels/<split>.tsv"
        )
        raise DataFormatError(f"file not found: {judgments.resolve()}", there)
    return Parts(
        location=str(folder),
        split=split,
        documents=documents_from_json_lines(_either(folder / "corpus.jsonl")),
        queries=queries_from_json_lines(_either(folder / "queries.jsonl")),
        qrels=read_qrels(judgments),
    )


def _either(path: Path) -> Path:
    """Return the file, or its gzipped twin where only that exists."""
    packed = path.with_name(path.name + ".gz")
    return packed if packed.is_file() and not path.is_file() else path
