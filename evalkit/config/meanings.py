"""Read the descriptions of configuration keys from the docstrings of the Settings classes."""

from __future__ import annotations

import inspect
import re
from typing import Any


def meanings(settings: type) -> dict[str, str]:
    """Return key -> description from the *Attributes* section of the class, or of its nearest base with an entry."""
    return {name: text for cls in reversed(settings.__mro__) for name, text in attributes(cls).items()}


def attributes(settings: type) -> dict[str, str]:
    """Return name -> text of each entry in the *Attributes* section of a numpy docstring.

    *Attributes* must be the last section.
    """
    docstring = inspect.cleandoc(settings.__dict__.get("__doc__") or "")
    section = docstring.partition("Attributes\n----------\n")[2]
    texts: dict[str, str] = {}
    for entry in re.split(r"\n(?=\S)", section):
        names, _, text = entry.partition("\n")
        if text:
            texts |= dict.fromkeys(names.split(", "), " ".join(text.split()).replace("``", "`"))
    return texts


def describe(schema: dict[str, Any], settings: type) -> None:
    """Add the descriptions of a block and of its keys to its JSON Schema, where editors show them."""
    if settings.__dict__.get("__doc__"):
        summary = inspect.cleandoc(settings.__doc__ or "").partition("\n\n")[0]
        schema["description"] = " ".join(summary.split())
    for name, meaning in meanings(settings).items():
        if name in schema.get("properties", {}):
            schema["properties"][name]["description"] = meaning
