"""Read configurations, splits, rows and licence of a dataset repository on the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.datasets.corpora import Stamp
from evalkit.datasets.hub_errors import CONVERTED, translate_errors
from evalkit.errors import DataFormatError
from evalkit.formats import Rows
from evalkit.http_client import hub_access


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

    @property
    def location(self) -> str:
        """Name for errors and results."""
        return f"hub:{self.path}" + (f"@{self.revision}" if self.revision else "")

    def configs(self) -> list[str]:
        """Return the names of its configurations."""
        import datasets

        if self.revision == CONVERTED:
            return list(dict.fromkeys(config for config, _, _ in self._converted()))
        return translate_errors(
            lambda: list(datasets.get_dataset_config_names(self.path, revision=self.revision)),
            self.path,
            repr(self.path),
        )

    def splits(self, config: str | None) -> list[str]:
        """Return the names of a configuration's splits."""
        import datasets

        if self.revision == CONVERTED:
            return list(self._converted_splits(config))
        return translate_errors(
            lambda: list(datasets.get_dataset_split_names(self.path, config, revision=self.revision)),
            self.path,
            f"{self.path!r} (configuration {config!r})" if config else repr(self.path),
        )

    def table(self, config: str | None, split: str) -> Table:
        """Fetch a split, or take it from the cache of the `datasets` package."""
        import datasets

        label = f"configuration {config!r}, split {split!r}" if config else f"split {split!r}"
        where: dict[str, Any] = {"name": config}
        if self.revision == CONVERTED:
            where = {"data_files": {split: self._converted_files(config, split)}}
        data = translate_errors(
            lambda: datasets.load_dataset(self.path, split=split, revision=self.revision, **where),
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
                f"the hub dataset {self.path!r} has no split {wanted[-1]!r}{of_config}",
                f"use one of the splits: {', '.join(splits)}",
            )
        return found

    def files(self) -> list[str]:
        """Return the names of its files; without the hub, of the files in the cache; empty if neither is known."""
        from huggingface_hub import HfApi

        try:
            with hub_access() as unreachable:
                if unreachable is None:
                    return list(
                        HfApi().list_repo_files(self.path, repo_type="dataset", revision=self.revision)
                    )
                folder = self._snapshot(None)
                return [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
        except (ValueError, OSError, RuntimeError):
            return []

    def download(self, patterns: Sequence[str]) -> Path:
        """Return a folder with the files that match the patterns, from the hub or from the cache."""
        return translate_errors(lambda: self._snapshot(patterns), self.path, repr(self.path))

    def _snapshot(self, patterns: Sequence[str] | None) -> Path:
        from huggingface_hub import snapshot_download

        wanted = None if patterns is None else list(patterns)
        return Path(
            snapshot_download(self.path, repo_type="dataset", revision=self.revision, allow_patterns=wanted)
        )

    def _converted(self) -> list[tuple[str, str, str]]:
        """Return configuration, split and name of each file of the hub's Parquet copy: ``config/split/0000.parquet``.

        Raises
        ------
        DataFormatError
            If there is no such file.
        """
        names = [(name.split("/"), name) for name in self.files() if name.endswith(".parquet")]
        found = [(parts[0], parts[1], name) for parts, name in names if len(parts) == 3]
        if not found:
            raise DataFormatError(
                f"the hub has no Parquet copy of the dataset {self.path!r}",
                "remove revision, or download the dataset and use source: tables",
            )
        return found

    def _converted_splits(self, config: str | None) -> dict[str, list[str]]:
        """Return split -> files of a configuration, or of the only configuration, of the hub's Parquet copy."""
        converted = self._converted()
        configs = list(dict.fromkeys(name for name, _, _ in converted))
        chosen = configs[0] if config is None and len(configs) == 1 else config
        if chosen not in configs:
            raise DataFormatError(
                f"the Parquet copy of the hub dataset {self.path!r} has no configuration {config!r}"
                if config
                else f"the Parquet copy of the hub dataset {self.path!r} has several configurations",
                f"use one of the configurations: {', '.join(configs)}",
            )
        splits: dict[str, list[str]] = {}
        for name, split, file in converted:
            if name == chosen:
                splits.setdefault(split, []).append(file)
        return splits

    def _converted_files(self, config: str | None, split: str) -> list[str]:
        """Return the files of a split of the hub's Parquet copy.

        Raises
        ------
        DataFormatError
            If it has no such split.
        """
        splits = self._converted_splits(config)
        if split not in splits:
            raise DataFormatError(
                f"the Parquet copy of the hub dataset {self.path!r} has no split {split!r}",
                f"use one of the splits: {', '.join(splits)}",
            )
        return splits[split]

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
