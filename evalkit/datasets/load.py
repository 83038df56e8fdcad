"""From a name or settings to a `Dataset`."""

from __future__ import annotations

from typing import Any

from evalkit import registry
from evalkit.config import DatasetSettings, validate_block
from evalkit.config.load import dataset_block
from evalkit.records import Dataset


def open_dataset(settings: DatasetSettings) -> Dataset:
    """Load the dataset that checked settings describe.

    Raises
    ------
    DataFormatError
        If a file is missing or cannot be read, naming file and line.
    DatasetError
        If a hub cannot be reached or lacks the dataset.
    """
    source = registry.lookup("dataset source", settings.source)
    return source.load(settings)  # type: ignore[no-any-return]


def load_dataset(spec: str | dict[str, Any]) -> Dataset:
    """Load a dataset by what would stand in a configuration's ``datasets:`` list.

    Parameters
    ----------
    spec
        ``"demo"``, a hub name such as ``"beir/scifact"``, or a mapping with ``source:``.
    """
    settings = validate_block("dataset source", dataset_block(spec))
    if not isinstance(settings, DatasetSettings):
        raise TypeError(f"{type(settings).__name__} is not a DatasetSettings")
    return open_dataset(settings)
