"""The configuration as JSON Schema, for completion and validation in editors."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from evalkit import registry
from evalkit.config.experiment import Outline
from evalkit.errors import InputError

_KINDS = ("dataset source", "retriever kind", "reranker backend", "judge backend")


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of a configuration, with all installed plugins that can be imported."""
    blocks = {kind: _settings_classes(kind) for kind in _KINDS}
    models = [Outline, *(model for kind_models in blocks.values() for model in kind_models)]
    refs, schema = models_json_schema(
        [(model, "validation") for model in models], title="evalkit configuration"
    )
    definitions = schema["$defs"]
    top = definitions.pop(refs[Outline, "validation"]["$ref"].rpartition("/")[2])
    any_of = {
        kind: {
            "anyOf": [
                _with_required_selector(definitions, refs[model, "validation"]) for model in kind_models
            ]
        }
        for kind, kind_models in blocks.items()
    }
    top["properties"]["datasets"]["items"] = {
        "anyOf": [{"type": "string"}, *any_of["dataset source"]["anyOf"]]
    }
    top["properties"]["retriever"] = any_of["retriever kind"]
    top["properties"]["rerankers"] = {
        "type": "object",
        "additionalProperties": any_of["reranker backend"],
    }
    top["properties"]["judges"] = {
        "type": "object",
        "additionalProperties": any_of["judge backend"],
    }
    runs = top["properties"]["runs"]
    (several,) = runs.pop("patternProperties").values()
    top["properties"]["runs"] = runs | {"additionalProperties": {"anyOf": [several["items"], several]}}
    top["anyOf"] = [{"required": ["rerankers"]}, {"required": ["runs"]}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": definitions}


def _settings_classes(kind: str) -> list[Any]:
    """Return the Settings class of every plugin of a kind that can be imported."""
    classes = []
    for plugin in registry.plugins(kind):
        try:
            classes.append(plugin.load().Settings)
        except InputError:
            continue
    return classes


def _with_required_selector(definitions: dict[str, Any], ref: dict[str, Any]) -> dict[str, Any]:
    """Require the selector key (``source`` or ``backend``) in a block's definition; return the reference.

    Without its selector, a block could match the schema of any plugin. ``kind`` has a default and stays optional. The
    definition of a reranker also gets the key ``matrix``.
    """
    block = definitions[ref["$ref"].rpartition("/")[2]]
    selector = next(
        key for key in ("source", "kind", "backend") if "const" in block["properties"].get(key, {})
    )
    required = block.setdefault("required", [])
    if selector not in required and selector != "kind":
        required.append(selector)
    if selector == "backend":
        block["properties"]["matrix"] = {"type": "object", "additionalProperties": {"type": "array"}}
    return ref
