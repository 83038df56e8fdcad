"""What pydantic found, in the words of a user: message, place, hint."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from evalkit.config.settings import SLUG, UNKNOWN_NAME, Settings
from evalkit.config.source import Path, Problem, Source
from evalkit.errors import nearest_name_hint

S = TypeVar("S", bound=Settings)

_SAID_PLAINLY = {
    "missing": "is missing",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping (key: value)",
    "tuple_type": "must be a list",
    "too_short": "must not be empty",
    "model_type": "must be a mapping (key: value)",
    "model_attributes_type": "must be a mapping (key: value)",
}


def check_against(
    settings: type[S], data: Any, source: Source, path: Path, homes: Mapping[str, str]
) -> tuple[S | None, list[Problem]]:
    """Validate `data`, which stands at `path`, against a Settings class.

    Parameters
    ----------
    settings
        The class.
    data
        Plain data.
    source
        Knows the places.
    path
        Where the data stands.
    homes
        Key -> the block it belongs to, for keys that stand in the wrong one.

    Returns
    -------
    tuple
        The settings, or None and the problems.
    """
    try:
        # Through JSON: pydantic's strict mode then takes lists for tuples and text for paths,
        # and still refuses "10" for 10.
        return settings.model_validate_json(json.dumps(data, default=str)), []
    except ValidationError as error:
        details = _without_echoes(error.errors())
        found = [_problem(detail, settings, data, source, path, homes) for detail in details]
        # Every arm of a union complains of its own: the first complaint about a place is enough.
        unique: dict[tuple[Path, str], Problem] = {}
        for problem in found:
            unique.setdefault(
                (problem.path, problem.message if "is missing" in problem.message else ""), problem
            )
        return None, list(unique.values())


def _without_echoes(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Drop "too short" where the list is only short because its items were refused."""
    return [
        one
        for one in details
        if one["type"] != "too_short"
        or not any(other["loc"][: len(one["loc"])] == one["loc"] for other in details if other is not one)
    ]


def _problem(
    detail: ErrorDetails,
    settings: type[Settings],
    data: Any,
    source: Source,
    path: Path,
    homes: Mapping[str, str],
) -> Problem:
    inner = _existing(detail["loc"], data)
    where = (*path, *inner)
    if detail["type"] == "extra_forbidden":
        key = str(where[-1])
        hint = _hint_for_unknown_key(key, _settings_at(settings, inner[:-1]), where[:-1], homes)
        return Problem(where, f"unknown key {key!r}", hint, at=source.place(where, of_key=True))
    key = str(detail["loc"][-1]) if detail["type"] == "missing" else _last_key(where)
    if detail["type"] == UNKNOWN_NAME:
        return Problem(where, detail["msg"], detail["ctx"]["hint"])
    said = _SAID_PLAINLY.get(detail["type"])
    if detail["type"] == "missing":
        return Problem(where, f"key {key!r} is missing", f"add '{key}:' here")
    if detail["type"] == "string_pattern_mismatch":
        pattern = detail["ctx"]["pattern"]
        said = (
            "may hold letters, digits, '.', '_' and '-', and starts with a letter or digit"
            if pattern == SLUG
            else f"must match {pattern}"
        )
    if said is None:
        message = detail["msg"].removeprefix("Value error, ")
        said = message[:1].lower() + message[1:]
        said = said.replace("input should", "should").replace("value should", "should")
    given = detail["input"]
    shown = "" if isinstance(given, dict | list) else f" (given: {given!r})"
    return Problem(where, f"{key!r} {said}{shown}")


def _existing(loc: tuple[int | str, ...], data: Any) -> Path:
    """Return the part of a pydantic location that exists in the data (it also names union arms)."""
    path: list[str | int] = []
    for step in loc:
        if isinstance(data, dict) and step in data:
            data = data[str(step)]
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            continue
        path.append(step)
    return tuple(path)


def _last_key(path: Path) -> str:
    """Return the last key, with the list positions that follow it: ``datasets[2]``."""
    label = ""
    for step in reversed(path):
        if isinstance(step, str):
            return step + label
        label = f"[{step}]{label}"
    return label or "configuration"


def _settings_at(settings: type[Settings], path: Path) -> type[Settings]:
    """Return the Settings class of the mapping at `path` below `settings`."""
    for step in path:
        field = settings.model_fields.get(str(step))
        sessions = getattr(field.annotation, "__args__", (field.annotation,)) if field else ()
        settings = next((a for a in sessions if isinstance(a, type) and issubclass(a, Settings)), settings)
    return settings


def _hint_for_unknown_key(key: str, settings: type[Settings], where: Path, homes: Mapping[str, str]) -> str:
    home = homes.get(key)
    here = ".".join(str(step) for step in where)
    near = nearest_name_hint(key, settings.model_fields)
    if home is not None and home != here and not near.startswith("did you mean"):
        return f"{key!r} belongs under {home}" if home else f"{key!r} belongs at the top level"
    return near
