"""Check that API keys and passwords are in environment variables, not in the configuration."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from evalkit.config.blocks import RerankerSettings
from evalkit.config.key_shapes import (
    contains_key,
    is_credential,
    is_secret,
    is_secret_setting,
    key_in_url,
    looks_random,
    mask_keys,
)
from evalkit.config.settings import Settings
from evalkit.config.source import Path, Problem
from evalkit.http_client import is_on_private_network


@dataclass(frozen=True, slots=True)
class KeysOfJudge:
    """The keys that a command needs that calls one judge only.

    Attributes
    ----------
    tag
        The judge; None for the only one of the configuration.
    """

    tag: str | None


KeyCheck = Literal["required", "warned", "ignored"] | KeysOfJudge
"""What an environment variable without a usable key is.

``required``: a problem, unless only a judge needs it. `KeysOfJudge`: a problem if this judge needs it. ``warned``: a
warning. ``ignored``: nothing, to a command without calls.
"""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_HEADERS = "headers_env"
"""A setting that maps headers to environment variables."""
_PARAMETER = re.compile(r"^\S+\?\S+=\S")
_HINT = "remove it, run export MY_KEY=... and write api_key_env: MY_KEY"


def with_key_problems(problems: Iterable[Problem], data: Any) -> list[Problem]:
    """Return problems and those of each value that is or contains a key, wherever it is; no message contains the key.

    Parameters
    ----------
    problems
        All other problems. A message that quotes a key as a wrong value is returned without it.
    data
        The configuration as parsed.
    """
    found = [(path, text) for path, text in _texts(data, ()) if _is_key(path, text)]
    keys = [Problem(path, f"{_name_of(path)!r} must not contain a key", _HINT) for path, _ in found]
    quoted = sorted({repr(text)[1:-1] for _, text in found}, key=len, reverse=True)
    return [*(_without(problem, quoted) for problem in problems), *keys]


def _without(problem: Problem, quoted: Iterable[str]) -> Problem:
    """Return a problem whose message and hint quote none of these texts."""
    message, hint = problem.message, problem.hint
    for text in quoted:
        message = message.replace(f"'{text}'", "[key]").replace(f'"{text}"', "[key]")
        hint = hint and hint.replace(f"'{text}'", "[key]").replace(f'"{text}"', "[key]")
    return replace(problem, message=message, hint=hint)


def _texts(data: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield every text with its path; a key of a mapping counts as a text at its own path."""
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, Mapping):
        for key, value in data.items():
            if contains_key(str(key)):
                yield path, str(key)
            yield from _texts(value, (*path, str(key)))
    elif isinstance(data, list | tuple):
        for index, value in enumerate(data):
            yield from _texts(value, (*path, index))


def _is_key(path: Path, text: str) -> bool:
    """Return whether a text at a path is or contains a key."""
    names = [step for step in path if isinstance(step, str)]
    name = names[-1] if names else ""
    if (name.endswith("_env") or _HEADERS in names[:-1]) and not _VARIABLE.fullmatch(text):
        return False  # `check_secrets` reports this
    if not text.strip():
        return False
    if contains_key(text) or key_in_url(_as_url(text, name)):
        return True
    if "headers" in names[:-1]:
        return is_secret(name) or is_credential(text, name)
    if name == "key_prefix":
        return looks_random(text.strip())
    named_so = is_secret_setting(name) and _HEADERS not in names[:-1]  # there it is the name of a variable
    return named_so or ("options" in names[:-1] and is_credential(text, name))


def _as_url(text: str, name: str) -> str:
    """Return a text as a URL if it is one or is meant to be one, without a scheme; empty if it is not."""
    if "://" in text:
        return text
    return f"//{text}" if name.endswith("url") or _PARAMETER.search(text) else ""


def _name_of(path: Path) -> str:
    """Return the name of a value for messages: its key, e.g. ``headers.X-Team`` for one of several headers."""
    steps = [mask_keys(step) for step in path if isinstance(step, str)]
    start = next(
        (i for i, step in enumerate(steps) if step in {"headers", _HEADERS, "options"}), len(steps) - 1
    )
    return ".".join(steps[max(start, 0) :])


def check_secrets(blocks: Mapping[Path, Settings]) -> Iterator[Problem]:
    """Yield a problem for each key in place of the name of an environment variable.

    Parameters
    ----------
    blocks
        Path -> settings of a block; fields that end in ``_env`` are names of environment variables, or map headers to
        them.
    """
    for path, variable in _variables(blocks):
        if not _VARIABLE.fullmatch(variable):
            name, what = _name_of(path), _kind_of_secret(path)
            # The value may be the key itself, so the message must not contain it.
            yield Problem(
                path,
                f"{name!r} must be the name of an environment variable, not the {what} itself",
                f"export MY_{what.upper()}=... and write {name}: MY_{what.upper()}",
            )


def called_blocks(blocks: Mapping[Path, Settings], keys: KeyCheck) -> dict[Path, Settings]:
    """Return the blocks whose keys a command needs."""
    if isinstance(keys, KeysOfJudge):
        wanted_path = ("judges",) if keys.tag is None else ("judges", keys.tag)
        return {path: block for path, block in blocks.items() if path[: len(wanted_path)] == wanted_path}
    wanted = {"required": {False}, "warned": {False, True}, "ignored": set[bool]()}[keys]
    return {path: block for path, block in blocks.items() if (path[:1] == ("judges",)) in wanted}


def check_keys(blocks: Mapping[Path, Settings]) -> Iterator[Problem]:
    """Yield a problem for each environment variable without a usable key, and for missing credentials of a cloud.

    See `check_secrets`. To look for credentials can take seconds: the role of a machine is asked for over its network.
    """
    for path, settings in blocks.items():
        missing = settings.missing_access() if isinstance(settings, RerankerSettings) else None
        if missing is not None:
            yield Problem(path, missing.message, missing.hint)
    for path, variable in _variables(blocks):
        if not _VARIABLE.fullmatch(variable):
            continue  # `check_secrets` reports this
        what, key = _kind_of_secret(path), os.environ.get(variable, "").strip()
        if not key:
            yield Problem(
                path, f"the environment variable {variable!r} is not set", f"run export {variable}=... first"
            )
        elif not key.isprintable() or (what == "key" and not key.isascii()):
            yield Problem(
                path,
                f"the {what} in {variable!r} contains characters that an HTTP header cannot contain",
                "check how the variable was set; the value must be one line of ASCII characters",
            )


def _variables(blocks: Mapping[Path, Settings]) -> Iterator[tuple[Path, str]]:
    """Yield path and value of each setting that names an environment variable."""
    for path, settings in blocks.items():
        for name in type(settings).model_fields:
            value = getattr(settings, name) if name.endswith("_env") else None
            if isinstance(value, Mapping):
                yield from (((*path, name, header), str(variable)) for header, variable in value.items())
            elif value:
                yield (*path, name), value


def _kind_of_secret(path: Path) -> str:
    """Return what the variable of a setting contains: ``key``, ``user``, ``password``."""
    if _HEADERS in path[:-1]:
        return "key"
    return str(path[-1]).removesuffix("_env").removeprefix("api_")


def unencrypted_keys(blocks: Mapping[Path, Settings]) -> Iterator[Problem]:
    """Yield a warning for each URL to which a key is sent unencrypted over a public network."""
    secrets = {
        path[: path.index(_HEADERS)] if _HEADERS in path else path[:-1] for path, _ in _variables(blocks)
    }
    for path, settings in blocks.items():
        parts = urlsplit(getattr(settings, "url", None) or "")
        if path in secrets and parts.scheme == "http" and not is_on_private_network(parts.hostname or ""):
            yield Problem(
                (*path, "url"),
                f"the key and the texts are sent unencrypted to {parts.hostname!r}",
                "write https:// instead of http://",
            )
