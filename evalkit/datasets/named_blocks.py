"""Parse the dataset argument of a command, and open what it means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalkit.config import DatasetSettings, is_config_file, load_config
from evalkit.config.load import dataset_block
from evalkit.config.overrides import apply_overrides
from evalkit.config.source import Source, read_source
from evalkit.datasets.loading import dataset_settings, open_dataset
from evalkit.errors import InputError, UnknownNameError


def named_datasets(spec: str, overrides: Sequence[str] = ()) -> list[DatasetSettings]:
    """Return the settings of the datasets that a command-line argument names.

    Parameters
    ----------
    spec
        A configuration file (``.yaml``) for all its datasets, or one dataset as in `named_block`.
    overrides
        ``path=value`` settings of the configuration or of the dataset's block.

    Raises
    ------
    ConfigError
        If the configuration or the block is invalid; it contains every problem.
    """
    if is_config_file(spec):
        return list(load_config(spec, overrides, keys="ignored").datasets)
    source = Source("dataset", data=dataset_block(named_block(spec)))
    apply_overrides(source, overrides)
    source.fail_if(source.problems)
    return [dataset_settings(source.data)]


def named_block(spec: str) -> Any:
    """Return the item of a configuration's ``datasets:`` list that a command-line argument means.

    The argument is a folder in BEIR's layout, a zip archive of one, a block in YAML (``{source: ..., ...}``), or a name
    such as ``demo`` or ``beir/scifact``.
    """
    if spec.lstrip().startswith("{"):
        return read_source(spec, "dataset").data
    path = Path(spec)
    is_folder = path.is_dir() or (path.suffix == ".zip" and path.is_file())
    return {"source": "beir_folder", "path": spec} if is_folder else spec


def one_dataset(spec: str, name: str | None = None, overrides: Sequence[str] = ()) -> DatasetSettings:
    """Return the settings of one dataset of a configuration, or of the dataset that a specification means.

    Parameters
    ----------
    spec, overrides
        As in `named_datasets`.
    name
        Name of the dataset; None for the only one.

    Raises
    ------
    InputError
        If there are several and none is named.
    UnknownNameError
        If none has the name.
    """
    named = named_datasets(spec, overrides)
    if name is not None:
        found = [settings for settings in named if settings.label == name]
        if not found:
            raise UnknownNameError("dataset", name, [settings.label for settings in named])
        return found[0]
    if len(named) != 1:
        names = ", ".join(settings.label for settings in named)
        raise InputError(f"{spec} contains {len(named)} datasets: {names}", "name one with --dataset")
    return named[0]


def query_texts(spec: str | None, overrides: Sequence[str] = ()) -> dict[str, str] | None:
    """Return query id -> text of the dataset that a specification means; None without one."""
    if spec is None:
        return None
    dataset = open_dataset(one_dataset(spec, overrides=overrides))
    return {query.query_id: query.text for query in dataset.queries}
