"""What each key of a block means, read from the docstrings of its classes: said once, shown everywhere."""

from __future__ import annotations

import inspect
import re
from typing import Any


def meanings(settings: type) -> dict[str, str]:
    """Return key -> its entry in the *Attributes* of the class, or of the nearest base that has one."""
    return {name: text for one in reversed(settings.__mro__) for name, text in attributes(one).items()}


def attributes(settings: type) -> dict[str, str]:
    """Return name -> text of each entry in the *Attributes* section, the last one, of a numpy docstring."""
    section = inspect.cleandoc(settings.__dict__.get("__doc__") or "").partition("Attributes\n----------\n")[
        2
    ]
    said: dict[str, str] = {}
    for entry in re.split(r"\n(?=\S)", section):
        names, _, text = entry.partition("\n")
        if text:
            said |= dict.fromkeys(names.split(", "), " ".join(text.split()).replace("``", "`"))
    return said


def describe(schema: dict[str, Any], settings: type) -> None:
    """Put what a block and its keys mean into its JSON Schema, where editors show it."""
    if settings.__dict__.get("__doc__"):
        schema["description"] = " ".join(
            inspect.cleandoc(settings.__doc__ or "").partition("\n\n")[0].split()
        )
    for name, meaning in meanings(settings).items():
        if name in schema.get("properties", {}):
            schema["properties"][name]["description"] = meaning
