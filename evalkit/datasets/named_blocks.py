"""What a person writes on a command line to name a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalkit.config import DatasetSettings, load_config
from evalkit.config.load import dataset_block
from evalkit.config.overrides import apply_overrides
from evalkit.config.source import Source, read_source
from evalkit.datasets.loading import dataset_settings


def named_datasets(spec: str, overrides: Sequence[str] = ()) -> list[DatasetSettings]:
    """Return the settings of the datasets that a word names.

    Parameters
    ----------
    spec
        A configuration (``.yaml``): all its datasets. Else one: `named_block`.
    overrides
        ``path=value`` settings, of the configuration or of the dataset's block.

    Raises
    ------
    ConfigError
        With every problem found.
    """
    if Path(spec).suffix.lower() in {".yaml", ".yml"}:
        return list(load_config(spec, overrides).datasets)
    source = Source("dataset", data=dataset_block(named_block(spec)))
    apply_overrides(source, overrides)
    source.fail_if(source.problems)
    return [dataset_settings(source.data)]


def named_block(spec: str) -> Any:
    """Return what would stand in a configuration's ``datasets:`` list.

    A folder in BEIR's layout or a zip of one; a block in YAML, ``{source: ..., ...}``; else a name: ``demo``,
    ``beir/scifact``.
    """
    if spec.lstrip().startswith("{"):
        return read_source(spec, "dataset").data
    path = Path(spec)
    is_folder = path.is_dir() or (path.suffix == ".zip" and path.is_file())
    return {"source": "beir_folder", "path": spec} if is_folder else spec
