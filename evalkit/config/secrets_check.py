"""Check that API keys and passwords are in environment variables, not in the configuration."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from evalkit.config.settings import Settings
from evalkit.config.source import Path, Problem

KeyCheck = Literal["required", "warned", "ignored"]
"""What an environment variable without a usable key is: a problem, a warning, or nothing to a command without calls."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_SECRET_WORDS = ("authorization", "key", "token", "secret", "password", "cookie", "signature")


def is_secret(name: str) -> bool:
    """Return whether a header or parameter with this name is likely to contain a key."""
    folded = name.lower()
    return any(word in folded for word in _SECRET_WORDS)


def check_secrets(blocks: Mapping[Path, Settings]) -> Iterator[Problem]:
    """Yield a problem for each URL that contains a key, and for each key in place of a variable's name.

    Parameters
    ----------
    blocks
        Path -> settings of a block; fields that end in ``_env`` are names of environment variables.
    """
    for path, settings in blocks.items():
        yield from _check_url((*path, "url"), getattr(settings, "url", None))
    for path, variable in _variables(blocks):
        if not _VARIABLE.fullmatch(variable):
            name, what = str(path[-1]), _kind_of_secret(path)
            # The value may be the key itself, so the message must not contain it.
            yield Problem(
                path,
                f"{name!r} must be the name of an environment variable, not the {what} itself",
                f"export MY_{what.upper()}=... and write {name}: MY_{what.upper()}",
            )


def check_keys(blocks: Mapping[Path, Settings]) -> Iterator[Problem]:
    """Yield a problem for each environment variable without a usable key; see `check_secrets`."""
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
            if name.endswith("_env") and getattr(settings, name):
                yield (*path, name), getattr(settings, name)


def _kind_of_secret(path: Path) -> str:
    """Return what the variable of a setting contains: ``key``, ``user``, ``password``."""
    return str(path[-1]).removesuffix("_env").removeprefix("api_")


def _check_url(path: Path, url: str | None) -> Iterator[Problem]:
    parts = urlsplit(url or "")
    if parts.username or parts.password or any(is_secret(name) for name, _ in parse_qsl(parts.query)):
        yield Problem(
            path,
            "'url' must not contain a key",
            "remove it, run export MY_KEY=... and write api_key_env: MY_KEY",
        )
