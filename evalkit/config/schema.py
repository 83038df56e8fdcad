"""The configuration as JSON Schema, for editors: completion, and mistakes underlined while one types."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from evalkit import registry
from evalkit.config.experiment import Outline
from evalkit.errors import InputError

_WHERE = {"dataset source": "datasets", "retriever kind": "retriever", "reranker backend": "rerankers"}


def config_schema() -> dict[str, Any]:
    """Return the schema, plugins that are installed included; what cannot be imported is left out."""
    blocks = {kind: _settings(kind) for kind in _WHERE}
    models = [Outline, *(one for found in blocks.values() for one in found)]
    refs, whole = models_json_schema([(one, "validation") for one in models], title="evalkit configuration")
    definitions = whole["$defs"]
    top = definitions.pop(refs[Outline, "validation"]["$ref"].rpartition("/")[2])
    any_of = {
        kind: {"anyOf": [_by_name(definitions, refs[one, "validation"]) for one in found]}
        for kind, found in blocks.items()
    }
    top["properties"]["datasets"]["items"] = {
        "anyOf": [{"type": "string"}, *any_of["dataset source"]["anyOf"]]
    }
    top["properties"]["retriever"] = any_of["retriever kind"]
    top["properties"]["rerankers"] = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": any_of["reranker backend"],
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": definitions}


def _settings(kind: str) -> list[Any]:
    found = []
    for plugin in registry.plugins(kind):
        try:
            found.append(plugin.load().Settings)
        except InputError:
            continue
    return found


def _by_name(definitions: dict[str, Any], ref: dict[str, Any]) -> dict[str, Any]:
    """Let a block name what it is: without its selector it would fit any."""
    block = definitions[ref["$ref"].rpartition("/")[2]]
    selector = next(
        key for key in ("source", "kind", "backend") if "const" in block["properties"].get(key, {})
    )
    required = block.setdefault("required", [])
    if selector not in required and selector != "kind":
        required.append(selector)
    if selector == "backend":
        values = {"type": "object", "additionalProperties": {"type": "array"}}
        block["properties"]["matrix"] = values
    return ref
