"""What is asked of the Hugging Face hub: configurations, splits, rows, licence. Errors say what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from evalkit.datasets.corpora import Stamp
from evalkit.errors import DataFormatError, DatasetError
from evalkit.formats import Rows

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Repository:
    """A dataset repository in one state.

    Attributes
    ----------
    path
        ``owner/name``.
    revision
        Commit, branch or tag; None for the newest.
    """

    path: str
    revision: str | None = None

    def configs(self) -> list[str]:
        """Return the names of its configurations."""
        import datasets

        return _asked(
            lambda: list(datasets.get_dataset_config_names(self.path, revision=self.revision)),
            self.path,
            repr(self.path),
        )

    def splits(self, config: str | None) -> list[str]:
        """Return the names of a configuration's splits."""
        import datasets

        return _asked(
            lambda: list(datasets.get_dataset_split_names(self.path, config, revision=self.revision)),
            self.path,
            f"{self.path!r} (configuration {config!r})",
        )

    def table(self, config: str | None, split: str) -> Table:
        """Fetch a split, or take it from the package's own cache."""
        import datasets

        named = f"configuration {config!r}, split {split!r}" if config else f"split {split!r}"
        held = _asked(
            lambda: datasets.load_dataset(self.path, config, split=split, revision=self.revision),
            self.path,
            f"{self.path!r} ({named})",
        )
        return Table(f"hub:{self.path} ({named})", held)

    def any_split(self, config: str | None, wanted: Sequence[str]) -> str:
        """Return the first of the wanted splits that a configuration has, or its only one.

        Raises
        ------
        DataFormatError
            If it has neither.
        """
        there = self.splits(config)
        found = next((split for split in wanted if split in there), there[0] if len(there) == 1 else None)
        if found is None:
            named = f" of configuration {config!r}" if config else ""
            raise DataFormatError(
                f"the hub dataset {self.path!r} has no split {wanted[0]!r}{named}",
                f"its splits: {', '.join(there)}",
            )
        return found

    def licence_and_commit(self) -> tuple[str | None, str | None]:
        """Return what the repository's card says of its licence, and its commit; None where the hub is silent."""
        from huggingface_hub import HfApi

        try:
            info = HfApi().dataset_info(self.path, revision=self.revision)
        except Exception:  # noqa: BLE001 - the data are here already: not knowing their licence is no failure
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
        For errors.
    held
        The package's own dataset.
    """

    name: str
    held: Any

    @property
    def columns(self) -> list[str]:
        """Names of its columns."""
        return list(self.held.column_names)

    def rows(self) -> Rows:
        """Yield its rows, a thousand at a time in memory."""
        number = 0
        for batch in self.held.with_format("arrow").iter(batch_size=1000):
            for row in batch.to_pylist():
                number += 1
                yield f"{self.name}, row {number}", row

    def stamp(self, reading: Any) -> Stamp | None:
        """Return the stamp of its files; None where it has none."""
        files = [Path(file["filename"]) for file in self.held.cache_files]
        return Stamp.of_files(files, reading) if files else None


def _asked(ask: Callable[[], T], path: str, what: str) -> T:
    from datasets.exceptions import DatasetNotFoundError

    try:
        return ask()
    except DatasetNotFoundError:
        raise DatasetError(
            f"the hub has no dataset {path!r}", "check the name; a private dataset needs HF_TOKEN"
        ) from None
    except ValueError as error:
        raise DataFormatError(f"the hub dataset {what} cannot be read: {_first_line(error)}") from None
    except (OSError, RuntimeError) as error:
        raise DatasetError(
            f"the hub dataset {what} cannot be fetched: {_first_line(error)}",
            "check the network and HF_ENDPOINT, or download the dataset and use source: beir_folder",
        ) from None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
