"""The names of models in the settings of a reranker or of a rater."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import orjson

_NAMES_MODEL = re.compile(r"(?:^|_)(?:model|deployment|engine|checkpoint)(?:_|$)")
"""Keys whose values name a model, such as ``model``, ``expect_model`` and ``model_id``."""
_IN_PATH = re.compile(r"/(?:models?|deployments|engines)/([^?#]+)")
"""A model in the path of a url, such as ``/openai/deployments/gpt-4o/chat``; other parts name an interface."""
_MEMBERS = "members"


def model_names(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return every name that settings have for a model, at any depth, each once.

    Of a url these are its host and what its path names as a model, of a folder its last two parts. Members of an
    ensemble count with their tags and their own settings. Texts such as prompts count for nothing.
    """
    return tuple(dict.fromkeys(name for name in _names(settings) if name))


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for one in value:
            yield from _names(one)
    if not isinstance(value, Mapping):
        return
    for key, one in value.items():
        if key == _MEMBERS and isinstance(one, Mapping):
            yield from _of_members(one)
        elif not isinstance(one, str):
            yield from _names(one)
        elif key == "url":
            yield from _of_url(one)
        elif _NAMES_MODEL.search(key):
            yield _shortened(one)


def _of_members(members: Mapping[str, Any]) -> Iterator[str]:
    """Yield the tag of each member of an ensemble, and the names in its settings, which are JSON."""
    for tag, form in members.items():
        yield tag
        if isinstance(form, str):
            try:
                yield from _names(orjson.loads(form))
            except orjson.JSONDecodeError:
                yield form


def _of_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        yield parts.hostname or ""
    except ValueError:
        return
    yield from _IN_PATH.findall(parts.path)


def _shortened(name: str) -> str:
    """Return a name; of a folder its last parts, as those before may be named after anything."""
    if not name.startswith(("/", "./", "../", "~")) and "\\" not in name:
        return name
    return "/".join(PurePosixPath(name.replace("\\", "/")).parts[-2:])
