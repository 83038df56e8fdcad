"""Write a configuration as YAML with all defaults."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML

from evalkit.config.settings import Settings


def resolved_yaml(config: Settings) -> str:
    """Return the configuration as YAML that loads to equal settings."""
    return _yaml(_without_nulls(config.model_dump(mode="json")))


def _yaml(content: Any) -> str:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 100
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()


def run_yaml(config: Settings | str) -> str:
    """Return what decides on a run: the resolved configuration without `judges`, which no run calls.

    So judges may be added and changed while a run is unfinished, or its scores are reused. Datasets without files of
    judgments have no key for them, as in earlier versions.

    Parameters
    ----------
    config
        The configuration, or the text of one that `resolved_yaml` returned.
    """
    content = (
        YAML(typ="safe", pure=True).load(config)
        if isinstance(config, str)
        else _without_nulls(config.model_dump(mode="json"))
    )
    content.pop("judges", None)
    for dataset in content.get("datasets", ()):
        if not dataset.get("judgments"):
            dataset.pop("judgments", None)
    return _yaml(content)


def _without_nulls(value: Any) -> Any:
    """Drop keys that are None, because YAML would load null as a value."""
    if isinstance(value, dict):
        if value.get("serve") is not None:
            value = {**value, "url": None}  # the url of a service that evalkit started is not a setting
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(v) for v in value]
    return value
