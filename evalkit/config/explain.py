"""Translate pydantic's validation errors into problems with position, message and hint."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from evalkit.config.settings import SLUG, UNKNOWN_NAME, Settings, settings_in
from evalkit.config.source import Path, Problem, Source
from evalkit.errors import nearest_name_hint, shortened

S = TypeVar("S", bound=Settings)

_MOST_PROBLEMS = 200
"""Problems of a block that are explained: each takes milliseconds, as near names are searched."""
_MESSAGES = {
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
"""Type of a pydantic error -> message."""


def check_against(
    settings: type[S], data: Any, source: Source, path: Path, blocks_of_keys: Mapping[str, str]
) -> tuple[S | None, list[Problem]]:
    """Validate plain data against a Settings class.

    Parameters
    ----------
    settings
        The class.
    data
        Dictionaries, lists and scalars.
    source
        The configuration that contains the data, with the positions of its keys.
    path
        Path of the data in the configuration.
    blocks_of_keys
        Key -> the block it belongs to, for the hint about a misplaced key.

    Returns
    -------
    tuple
        The settings and no problems, or None and the problems.
    """
    try:
        # Validate JSON: pydantic's strict mode then accepts lists as tuples and text as paths, and still rejects
        # "10" as a number.
        return settings.model_validate_json(json.dumps(data, default=str)), []
    except ValidationError as error:
        details = _without_consequences(error.errors(include_url=False)[:_MOST_PROBLEMS])
        found = [_problem(detail, settings, data, source, path, blocks_of_keys) for detail in details]
        # Each member of a union reports an error of its own; keep the first for each path.
        unique: dict[tuple[Path, str], Problem] = {}
        for problem in found:
            unique.setdefault(
                (problem.path, problem.message if "is missing" in problem.message else ""), problem
            )
        problems = list(unique.values())
        if error.error_count() > _MOST_PROBLEMS:
            more = f"has {error.error_count() - _MOST_PROBLEMS} more problems"
            problems.append(Problem(path, more, "fix the first ones and check again"))
        return None, problems


def _without_consequences(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Drop the "too short" errors of lists that are too short only because their items are invalid."""
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or not any(
            other["loc"][: len(detail["loc"])] == detail["loc"] for other in details if other is not detail
        )
    ]


def _problem(
    detail: ErrorDetails,
    settings: type[Settings],
    data: Any,
    source: Source,
    path: Path,
    blocks_of_keys: Mapping[str, str],
) -> Problem:
    inner = _path_in_data(detail["loc"], data)
    where = (*path, *inner)
    kind = detail["type"]
    if kind == "extra_forbidden":
        key = str(where[-1])
        hint = _hint_for_unknown_key(key, _settings_at(settings, inner[:-1]), where[:-1], blocks_of_keys)
        return Problem(where, f"unknown key {key!r}", hint, at=source.place(where, of_key=True))
    if kind == UNKNOWN_NAME:
        return Problem(where, detail["msg"], detail["ctx"]["hint"])
    if kind == "missing":
        key = str(detail["loc"][-1])
        return Problem(where, f"key {key!r} is missing", f"add '{key}:'")
    given = detail["input"]
    shown = "" if isinstance(given, dict | list) else f" (given: {shortened(repr(given), 200)})"
    return Problem(where, f"{_subject(where)} {_message(detail)}{shown}")


def _message(detail: ErrorDetails) -> str:
    """Return the message of a pydantic error, to follow the key."""
    if detail["type"] == "string_pattern_mismatch":
        pattern = detail["ctx"]["pattern"]
        if pattern == SLUG:
            return "must consist of letters, digits, '.', '_' and '-', and start with a letter or digit"
        return f"must match {pattern}"
    if detail["type"] in _MESSAGES:
        return _MESSAGES[detail["type"]]
    message = detail["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return message.replace("input should", "should").replace("value should", "should")


def _path_in_data(loc: tuple[int | str, ...], data: Any) -> Path:
    """Return the steps of a pydantic location that exist in the data; the others name members of a union."""
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


def _subject(path: Path) -> str:
    """Return the last key of a path in quotes, with the list indices after it: ``'datasets[2]'``."""
    label = ""
    for step in reversed(path):
        if isinstance(step, str):
            return repr(step + label)
        label = f"[{step}]{label}"
    return repr(label) if label else "this configuration"


def _settings_at(settings: type[Settings], path: Path) -> type[Settings]:
    """Return the Settings class of the mapping at `path` inside `settings`."""
    for step in path:
        field = settings.model_fields.get(str(step))
        settings = next(settings_in(field.annotation), settings) if field else settings
    return settings


def _hint_for_unknown_key(
    key: str, settings: type[Settings], where: Path, blocks_of_keys: Mapping[str, str]
) -> str:
    block = blocks_of_keys.get(key)
    current_block = ".".join(str(step) for step in where)
    hint = nearest_name_hint(key, settings.model_fields)
    if block is not None and block != current_block and not hint.startswith("did you mean"):
        return f"move {key!r} to {block}" if block else f"move {key!r} to the top level"
    return hint
