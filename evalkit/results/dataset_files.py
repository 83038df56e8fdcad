"""The raw files of a dataset in a result folder, also where an earlier version named them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from evalkit.errors import InputError
from evalkit.file_names import UTF_8, can_be_written, file_part, found_file, slug

QRELS = "qrels/{}.qrels.gz"
QUERIES = "queries/{}.jsonl.gz"
RATERS = "qrels/{}.raters.jsonl.gz"
CORRECTION = "qrels/{}.correction.jsonl.gz"


def dataset_file(folder: Path, pattern: str, dataset: str) -> Path:
    """Return the path that a file of a dataset is written to; `pattern` is one of these."""
    return folder / pattern.format(file_part(dataset))


def find_dataset_file(folder: Path, pattern: str, dataset: str, known: Callable[[], Sequence[str]]) -> Path:
    """Return the path of a file of a dataset, which may not exist.

    Parameters
    ----------
    folder, pattern, dataset
        See `dataset_file`.
    known
        Returns the names of all datasets of the result; asked only where the file has the name of an earlier version.

    Raises
    ------
    InputError
        If an earlier version wrote the files of several datasets to this path, one over the other; or if the locale of
        this process cannot express the path.
    """
    if not can_be_written(file_part(dataset)):
        raise InputError(f"the files of {dataset!a} cannot be opened in this locale", UTF_8)
    path = found_file(dataset_file(folder, pattern, dataset))
    old = _old_file(folder, pattern, dataset)
    if path.is_file() or not old.is_file():
        return path
    sharing = [
        name
        for name in known()
        if (other := _old_file(folder, pattern, name)).is_file() and other.samefile(old)
    ]
    if len(sharing) > 1:
        raise InputError(
            f"{folder.resolve()} is wrong: an earlier version of evalkit wrote the datasets"
            f" {', '.join(map(repr, sharing))} to one file, {old.relative_to(folder)}",
            "delete the folder and run the experiment again; stored scores are reused",
        )
    return old


def check_judgments(folder: Path, datasets: Sequence[str]) -> None:
    """Check that every dataset has judgments of its own: figures that were derived from shared ones are wrong.

    Raises
    ------
    InputError
        See `find_dataset_file`.
    """
    for name in datasets:
        find_dataset_file(folder, QRELS, name, lambda: datasets)


def _old_file(folder: Path, pattern: str, dataset: str) -> Path:
    return folder / pattern.format(slug(dataset))
