"""From a name or settings to a `Dataset`."""

from __future__ import annotations

from typing import Any, Protocol

from evalkit import registry
from evalkit.config import DatasetSettings, validate_block
from evalkit.config.load import dataset_block
from evalkit.datasets.assemble import Parts, assemble
from evalkit.records import Dataset


class Source(Protocol):
    """A place where datasets come from: reads, and leaves joining, sampling and counting to `assemble`."""

    @staticmethod
    def read(settings: Any) -> Parts:
        """Read what settings of this source describe."""
        ...


def read_parts(settings: DatasetSettings) -> Parts:
    """Read what checked settings describe, as its source holds it.

    Raises
    ------
    DataFormatError
        If a file is missing or cannot be read, naming file and line.
    DatasetError
        If a hub cannot be reached or lacks the dataset.
    """
    source: Source = registry.lookup("dataset source", settings.source)
    return source.read(settings)


def open_dataset(settings: DatasetSettings) -> Dataset:
    """Load the dataset that checked settings describe; see `read_parts`."""
    return assemble(settings, read_parts(settings))


def dataset_settings(spec: str | dict[str, Any]) -> DatasetSettings:
    """Check what would stand in a configuration's ``datasets:`` list.

    Raises
    ------
    ConfigError
        With every problem in it.
    """
    settings = validate_block("dataset source", dataset_block(spec))
    if not isinstance(settings, DatasetSettings):
        raise TypeError(f"{type(settings).__name__} is not a DatasetSettings")
    return settings


def load_dataset(spec: str | dict[str, Any]) -> Dataset:
    """Load a dataset by what would stand in a configuration's ``datasets:`` list.

    Parameters
    ----------
    spec
        ``"demo"``, a hub name such as ``"beir/scifact"``, or a mapping with ``source:``.
    """
    return open_dataset(dataset_settings(spec))
