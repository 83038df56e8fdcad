"""Read configurations, splits, rows and licence of a dataset repository on the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from evalkit.datasets.corpora import Stamp
from evalkit.errors import DataFormatError, DatasetError
from evalkit.formats import Rows
from evalkit.http_client import hub_access

T = TypeVar("T")
_WITHOUT_HUB = "check the network and HF_ENDPOINT, or download the dataset and use source: beir_folder"


@dataclass(frozen=True, slots=True)
class Repository:
    """A dataset repository at a revision.

    Attributes
    ----------
    path
        ``owner/name``.
    revision
        Commit, branch or tag; None for the latest commit.
    """

    path: str
    revision: str | None = None

    def configs(self) -> list[str]:
        """Return the names of its configurations."""
        import datasets

        return _translate_errors(
            lambda: list(datasets.get_dataset_config_names(self.path, revision=self.revision)),
            self.path,
            repr(self.path),
        )

    def splits(self, config: str | None) -> list[str]:
        """Return the names of a configuration's splits."""
        import datasets

        return _translate_errors(
            lambda: list(datasets.get_dataset_split_names(self.path, config, revision=self.revision)),
            self.path,
            f"{self.path!r} (configuration {config!r})",
        )

    def table(self, config: str | None, split: str) -> Table:
        """Fetch a split, or take it from the cache of the `datasets` package."""
        import datasets

        label = f"configuration {config!r}, split {split!r}" if config else f"split {split!r}"
        data = _translate_errors(
            lambda: datasets.load_dataset(self.path, config, split=split, revision=self.revision),
            self.path,
            f"{self.path!r} ({label})",
        )
        return Table(f"hub:{self.path} ({label})", data)

    def any_split(self, config: str | None, wanted: Sequence[str]) -> str:
        """Return the first of the wanted splits that a configuration has, or its only split.

        Raises
        ------
        DataFormatError
            If it has none of the wanted splits and does not have exactly one split.
        """
        splits = self.splits(config)
        only = splits[0] if len(splits) == 1 else None
        found = next((split for split in wanted if split in splits), only)
        if found is None:
            of_config = f" of configuration {config!r}" if config else ""
            raise DataFormatError(
                f"the hub dataset {self.path!r} has no split {wanted[0]!r}{of_config}",
                f"use one of the splits: {', '.join(splits)}",
            )
        return found

    def licence_and_commit(self) -> tuple[str | None, str | None]:
        """Return the licence from the repository's card, and its commit; None for each that is unknown."""
        from huggingface_hub import HfApi

        try:
            with hub_access():
                info = HfApi().dataset_info(self.path, revision=self.revision)
        except Exception:  # noqa: BLE001 - the data are already loaded, and the licence is optional
            return None, None
        stated = info.card_data.get("license") if info.card_data else None
        licence = ", ".join(stated) if isinstance(stated, list) else stated
        return licence if isinstance(licence, str) else None, info.sha


@dataclass(frozen=True, slots=True)
class Table:
    """A split of a repository, on disk.

    Attributes
    ----------
    name
        Name for errors.
    data
        The object of the `datasets` package.
    """

    name: str
    data: Any

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.data.column_names)

    def rows(self) -> Rows:
        """Yield the rows, with 1,000 rows in memory at a time."""
        number = 0
        for batch in self.data.with_format("arrow").iter(batch_size=1000):
            for row in batch.to_pylist():
                number += 1
                yield f"{self.name}, row {number}", row

    def stamp(self, reading: Any) -> Stamp | None:
        """Return the stamp of the table's files; None if it has no files."""
        files = [Path(file["filename"]) for file in self.data.cache_files]
        return Stamp.of_files(files, reading) if files else None


def _translate_errors(request: Callable[[], T], path: str, what: str) -> T:
    """Return the result of a request to the hub; raise its errors as `DatasetError` or `DataFormatError`.

    Parameters
    ----------
    request
        Calls the `datasets` package.
    path
        Name of the repository.
    what
        Repository, configuration and split, for errors.
    """
    from datasets.exceptions import DatasetNotFoundError

    with hub_access() as unreachable:
        try:
            return request()
        except (DatasetNotFoundError, ValueError, OSError, RuntimeError) as error:
            if unreachable:
                raise DatasetError(
                    f"the hub dataset {what} is not in the cache, and {unreachable}", _WITHOUT_HUB
                ) from None
            if isinstance(error, DatasetNotFoundError):
                raise DatasetError(
                    f"dataset {path!r} not found on the hub",
                    "check the name; a private dataset needs HF_TOKEN",
                ) from None
            if isinstance(error, ValueError):
                raise DataFormatError(f"cannot read the hub dataset {what}: {_first_line(error)}") from None
            raise DatasetError(
                f"cannot download the hub dataset {what}: {_first_line(error)}", _WITHOUT_HUB
            ) from None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
