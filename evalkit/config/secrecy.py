"""Rules on keys: they stand in environment variables, and nothing that is printed repeats one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

from evalkit.config.settings import Settings
from evalkit.config.source import Problem

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_SECRET_WORDS = ("authorization", "key", "token", "secret", "password", "cookie", "signature")


def is_secret(name: str) -> bool:
    """Return whether a header or parameter of that name is likely to hold a key."""
    folded = name.lower()
    return any(word in folded for word in _SECRET_WORDS)


def check_secrets(rerankers: Mapping[str, Settings | None]) -> Iterator[Problem]:
    """Tell which keys stand where none may, or cannot be had."""
    for tag, reranker in rerankers.items():
        yield from _in_url(tag, getattr(reranker, "url", None))
        yield from _in_environment(tag, getattr(reranker, "api_key_env", None))


def _in_url(tag: str, url: str | None) -> Iterator[Problem]:
    parts = urlsplit(url or "")
    if parts.username or parts.password or any(is_secret(name) for name, _ in parse_qsl(parts.query)):
        yield Problem(
            ("rerankers", tag, "url"),
            "'url' must not hold a key",
            "take it out, export MY_RERANK_KEY=... and write api_key_env: MY_RERANK_KEY",
        )


def _in_environment(tag: str, variable: str | None) -> Iterator[Problem]:
    if not variable:
        return
    path = ("rerankers", tag, "api_key_env")
    key = os.environ.get(variable, "").strip()
    if not _VARIABLE.fullmatch(variable):
        # Perhaps the key itself: it is not repeated here.
        yield Problem(
            path,
            "'api_key_env' must be the name of an environment variable, not the key itself",
            "export MY_RERANK_KEY=... and write api_key_env: MY_RERANK_KEY",
        )
    elif not key:
        yield Problem(
            path, f"the environment variable {variable!r} is not set", f"export {variable}=... before running"
        )
    elif not key.isascii() or not key.isprintable():
        yield Problem(
            path,
            f"the key in {variable!r} holds characters that no HTTP header can carry",
            "a key is one line of plain characters: check how the variable was set",
        )
