"""Parse the dataset argument of a command."""

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
    if Path(spec).suffix.lower() in {".yaml", ".yml"}:
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
