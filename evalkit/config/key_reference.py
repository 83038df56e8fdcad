"""Describe the keys of configuration blocks, from the Settings classes, for the reference and ``plugin show``."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.config.meanings import attributes
from evalkit.config.settings import Settings, settings_in

_UNQUOTED = re.compile(r"[A-Za-z_](?:[\w@./%+-]| (?=[A-Za-z]))*")
_RESERVED = re.compile(r"null|true|false|nan|inf", re.IGNORECASE)
"""Words that YAML does not read as text without quotes."""
_MAX_CHOICES = 8
"""With more choices, only their number is shown."""
_UNBOUNDED = 1e6
"""Bounds from this size on are not shown: they only keep numbers finite."""
_FORMS = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "mapping"}
"""JSON Schema type -> description of a value."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a block.

    Attributes
    ----------
    name
        Name in YAML.
    form
        Description of its value, in a few words.
    default
        Default value in YAML; empty if the key has none, ``required`` if the key is required.
    meaning
        Text from the docstring; empty if there is none.
    owner
        The class in the inheritance chain that declares or documents the key.
    block
        The Settings class of the value; None for a plain value.
    """

    name: str
    form: str
    default: str
    meaning: str
    owner: type[Settings]
    block: type[Settings] | None


def keys_of(settings: type[Settings]) -> list[Key]:
    """Return the keys of a block, in the order of the Settings class."""
    schema = settings.model_json_schema()
    return [
        Key(
            name,
            form_of(schema["properties"][name]),
            "required"
            if field.is_required()
            else as_yaml(field.get_default(call_default_factory=True, validated_data={})),
            schema["properties"][name].get("description", ""),
            next(cls for cls in settings.__mro__ if name in _names_in(cls)),
            next(settings_in(field.annotation), None),
        )
        for name, field in settings.model_fields.items()
    ]


def _names_in(cls: type) -> set[str]:
    """Return the names that a class itself, without its bases, declares or documents."""
    return {*inspect.get_annotations(cls), *attributes(cls)}


def form_of(schema: Mapping[str, Any]) -> str:
    """Return a short description of a value from its JSON Schema."""
    alternatives = schema.get("anyOf", schema.get("oneOf"))
    if alternatives is not None:
        forms = [form_of(alternative) for alternative in alternatives]
        return " or ".join(dict.fromkeys(form for form in forms if form != "null"))
    if "enum" in schema or "const" in schema:
        names = schema.get("enum", [schema.get("const")])
        return " or ".join(map(str, names)) if len(names) <= _MAX_CHOICES else f"one of {len(names)} names"
    if "$ref" in schema or "allOf" in schema:
        return "block"
    if schema.get("format") == "date":
        return "date"
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list: {form_of(schema.get('items', {}))}"
    return f"{_FORMS.get(kind, kind)} {' and '.join(_bounds(schema))}".rstrip()


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    signs = (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
    for name, sign in signs:
        if name in schema and abs(schema[name]) < _UNBOUNDED:
            yield f"{sign} {schema[name]:g}"


def as_yaml(value: Any) -> str:
    """Return a value in YAML's flow style; an empty string for a block or for None."""
    match value:
        case None | Settings():
            return ""
        case str():
            unquoted = _UNQUOTED.fullmatch(value) and not _RESERVED.fullmatch(value)
            return value if unquoted else json.dumps(value, ensure_ascii=False)
        case list() | tuple():
            return f"[{', '.join(map(as_yaml, value))}]"
        case float():
            return repr(value).removesuffix(".0")
        case dict():
            return f"{{{', '.join(f'{key}: {as_yaml(item)}' for key, item in value.items())}}}"
    return json.dumps(value)
