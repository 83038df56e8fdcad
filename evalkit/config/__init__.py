"""YAML to Settings: positions, problems with hints, overrides, cross-field rules."""

from evalkit.config.blocks import (
    DatasetSettings,
    RerankerSettings,
    RetrieverSettings,
    SampleSettings,
    Settings,
)
from evalkit.config.experiment import Config, LatencySettings
from evalkit.config.load import load_config, validate_block
from evalkit.config.resolved import resolved_yaml

__all__ = [
    "Config",
    "DatasetSettings",
    "LatencySettings",
    "RerankerSettings",
    "RetrieverSettings",
    "SampleSettings",
    "Settings",
    "load_config",
    "resolved_yaml",
    "validate_block",
]
