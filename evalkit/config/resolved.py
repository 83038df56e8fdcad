"""Write a configuration as YAML with all defaults."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML

from evalkit.config.settings import Settings


def resolved_yaml(config: Settings) -> str:
    """Return the configuration as YAML that loads to equal settings."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 100
    stream = io.StringIO()
    yaml.dump(_without_nulls(config.model_dump(mode="json")), stream)
    return stream.getvalue()


def _without_nulls(value: Any) -> Any:
    """Drop keys that are None, because YAML would load null as a value."""
    if isinstance(value, dict):
        if value.get("serve") is not None:
            value = {**value, "url": None}  # the url of a service that evalkit started is not a setting
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(v) for v in value]
    return value
