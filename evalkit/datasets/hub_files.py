"""Read hub repositories that contain files in BEIR's layout, without a card that describes tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from evalkit.datasets.assemble import Parts
from evalkit.datasets.beir_folder import read_folder
from evalkit.datasets.hub_tables import Repository
from evalkit.errors import DataFormatError

_CORPUS = re.compile(r"(?:(.+)/)?corpus\.jsonl(?:\.gz|\.zst)?")
_ARCHIVE = re.compile(r".*\.(zip|tar|tar\.gz|tgz|7z)")


def read_beir_files(repository: Repository, part: str | None, split: str) -> Parts | None:
    """Return the collection of a repository with the files of a BEIR folder; None if it has no such files.

    Parameters
    ----------
    repository
        The repository.
    part
        The folder of the collection, if there are several.
    split
        Name of the judgments file in ``qrels/``.

    Raises
    ------
    DataFormatError
        If there are several collections and none is chosen, only archives, or if a file is missing or invalid.
    """
    files = repository.files()
    folders = [match[1] or "" for match in map(_CORPUS.fullmatch, files) if match]
    if not folders:
        _refuse_archives(repository, files)
        return None
    folder = part or ""
    if folder not in folders:
        if len(folders) > 1 or part is not None:
            raise DataFormatError(
                f"the hub dataset {repository.path!r} contains {len(folders)} datasets in BEIR's layout",
                f"set subset to one of: {', '.join(sorted(filter(None, folders)))}"
                if any(folders)
                else "remove subset",
            )
        folder = folders[0]
    below = f"{folder}/" if folder else ""
    patterns = [f"{below}corpus.jsonl*", f"{below}queries.jsonl*", f"{below}qrels/*"]
    parts = read_folder(repository.download(patterns) / folder, split)
    return replace(parts, location=repository.location)


def _refuse_archives(repository: Repository, files: Sequence[str]) -> None:
    archives = [name for name in files if _ARCHIVE.fullmatch(name)]
    others = [name for name in files if name not in archives and not name.startswith((".", "README"))]
    if archives and not others:
        raise DataFormatError(
            f"the hub dataset {repository.path!r} contains no tables, only archives: {', '.join(archives)}",
            f"download {archives[0]}, and use source: beir_folder with its path if it is in BEIR's layout",
        )
