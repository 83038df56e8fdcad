"""JSON schemas from their parts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.dialects.shape import put

Schema = dict[str, Any]


def record(fields: Mapping[str, Schema]) -> Schema:
    """Return the schema of an object with these fields."""
    return {"type": "object", "properties": dict(fields), "required": list(fields)}


def listed(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def text() -> Schema:
    """Return the schema of a string."""
    return {"type": "string"}


def any_of(schemas: Sequence[Schema]) -> Schema:
    """Return the schema of a value that fits one of several."""
    return schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}


def path_parameters(path: str) -> list[Schema]:
    """Return the parameters of a path with placeholders."""
    names = re.findall(r"\{(\w+)\}", path)
    return [{"name": name, "in": "path", "required": True, "schema": text()} for name in names]


@dataclass(frozen=True, slots=True)
class _Property:
    """The schema of an object's property, and whether the property is required."""

    schema: Schema
    required: bool


def nested(required: Mapping[str, Schema], optional: Mapping[str, Schema]) -> Schema:
    """Return the schema of an object from the schemas at its paths, e.g. ``input.query``."""
    tree: dict[str, Any] = {}
    for path, schema in required.items():
        put(tree, path, _Property(schema, required=True))
    for path, schema in optional.items():
        put(tree, path, _Property(schema, required=False))
    return _object_of(tree).schema


def _object_of(tree: Mapping[str, Any]) -> _Property:
    """Return the schema of an object from a tree of properties; it is required if any property in it is."""
    properties = {
        key: value if isinstance(value, _Property) else _object_of(value) for key, value in tree.items()
    }
    needed = [key for key, one in properties.items() if one.required]
    fields = {key: one.schema for key, one in properties.items()}
    kind = "object" if needed else ["object", "null"]
    return _Property({"type": kind, "properties": fields, "required": needed}, required=bool(needed))
