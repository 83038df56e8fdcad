"""Which wire format is spoken at which path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit import registry
from evalkit.dialects import Dialect
from evalkit.dialects.shape import dig

MAIN = "/v1/rerank"
"""The path whose wire format is chosen with ``--dialect``."""
_AT_HOME = (
    "cohere_v2",
    "tei",
    "infinity",
    "vllm_score",
    "mixedbread",
    "nim",
    "isaacus",
    "zeroentropy",
    "fireworks",
    "openrouter",
    "deepinfra",
    "dashscope",
    "elastic",
    "vertex_rank",
    "nvidia_hosted",
)
"""Dialects that are served at their own paths, too; where two share one, what a body holds tells them apart."""
_WITHOUT_SHAPE = {"generic"}


def dialects_by_path(chosen: str) -> dict[str, tuple[str, ...]]:
    """Return path -> names of dialects, the one that answers first; ``{model}`` stands in a path for a model.

    The chosen one has `MAIN` to itself. Every dialect is served at its own path behind its name, as well:
    ``/jina/v1/rerank``.
    """
    paths: dict[str, list[str]] = {MAIN: [chosen]}
    for name in dict.fromkeys([chosen, *_AT_HOME]):
        path = _path(name)
        if path != MAIN:
            paths.setdefault(path, []).append(name)
    for name in registry.names("dialect"):
        if name not in _WITHOUT_SHAPE:
            paths[f"/{name}{_path(name)}"] = [name]
    return {path: tuple(names) for path, names in paths.items()}


def pick(dialects: Mapping[str, Dialect], body: Any) -> str:
    """Return the first dialect whose documents a body holds; the first of all where none fits."""
    for name, dialect in dialects.items():
        if dig(body, dialect.shape.documents) is not None:
            return name
    return next(iter(dialects))


def _path(name: str) -> str:
    path: str = registry.lookup("dialect", name).path
    return path
