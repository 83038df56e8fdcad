"""What each key of a configuration takes, read off the Settings classes: for people who look a key up."""

from __future__ import annotations

import inspect
import json
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.config.meanings import attributes
from evalkit.config.settings import Settings

_PLAIN = re.compile(r"[A-Za-z_](?:[\w@./%+-]| (?=[A-Za-z]))*")
_TAKEN = re.compile(r"null|true|false|nan|inf", re.IGNORECASE)
"""Words that YAML does not read as text."""
_MOST_NAMES = 8
"""Choices that are told one by one; of more only the number."""
_LARGE = 1e8
"""A bound that says no more than that a number is finite."""
_FORMS = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "mapping"}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a block.

    Attributes
    ----------
    name
        As it stands in YAML.
    form
        What its value looks like, in a few words.
    default
        As it would stand in YAML; empty where the key may be absent, ``required`` where it may not.
    meaning
        What it does; empty where no docstring says so.
    owner
        The class that has it, or says something of it: a key that a plugin only inherits is its base's.
    block
        What checks the block that stands there; None for a plain value.
    """

    name: str
    form: str
    default: str
    meaning: str
    owner: type[Settings]
    block: type[Settings] | None


def keys_of(settings: type[Settings]) -> list[Key]:
    """Return the keys of a block, in the order of the class."""
    schema = settings.model_json_schema()
    return [
        Key(
            name,
            form_of(schema["properties"][name]),
            "required"
            if field.is_required()
            else as_yaml(field.get_default(call_default_factory=True, validated_data={})),
            schema["properties"][name].get("description", ""),
            next(one for one in settings.__mro__ if name in _own(one)),
            next(_blocks(field.annotation), None),
        )
        for name, field in settings.model_fields.items()
    ]


def _own(settings: type) -> set[str]:
    """Return what a class has or mentions itself."""
    return {*inspect.get_annotations(settings), *attributes(settings)}


def _blocks(annotation: Any) -> Iterator[type[Settings]]:
    """Give the Settings that a type holds, in an optional, a list or a mapping, too."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _blocks(part)


def form_of(schema: Mapping[str, Any]) -> str:
    """Return what a value looks like, from its JSON Schema."""
    if "anyOf" in schema:
        forms = (form_of(one) for one in schema["anyOf"])
        return " or ".join(dict.fromkeys(form for form in forms if form != "null"))
    if "enum" in schema or "const" in schema:
        names = schema.get("enum", [schema.get("const")])
        return " or ".join(map(str, names)) if len(names) <= _MOST_NAMES else f"one of {len(names)} names"
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
        if name in schema and abs(schema[name]) < _LARGE:
            yield f"{sign} {schema[name]:g}"


def as_yaml(value: Any) -> str:
    """Return a value as one would write it in YAML, exactly; nothing for a block, or for None."""
    match value:
        case None | Settings():
            return ""
        case str():
            plain = _PLAIN.fullmatch(value) and not _TAKEN.fullmatch(value)
            return value if plain else json.dumps(value, ensure_ascii=False)
        case list() | tuple():
            return f"[{', '.join(map(as_yaml, value))}]"
        case float():
            return repr(value).removesuffix(".0")
        case dict():
            return f"{{{', '.join(f'{key}: {as_yaml(one)}' for key, one in value.items())}}}"
    return json.dumps(value)
