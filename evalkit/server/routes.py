"""The paths of the service, and the wire formats that each path accepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit import registry
from evalkit.dialects import Dialect
from evalkit.dialects.shape import dig

MAIN = "/v1/rerank"
"""The path whose wire format is chosen with ``--dialect``."""


def dialects_by_path(chosen: str) -> dict[str, tuple[str, ...]]:
    """Return path -> names of the dialects it accepts, in the order in which `pick` tries them.

    Paths are of three kinds. `MAIN` accepts the chosen dialect only. A dialect's own path accepts the chosen dialect
    and those with `Dialect.served_at_own_path`; several may share it. A path behind a dialect's name,
    ``/jina/v1/rerank``, accepts this dialect only.

    Dialects that share a path are tried in this order: the chosen one; those whose documents are under a key of their
    own, because a body with that key is meant for them; those that use the most common key. Within each group they
    are in alphabetical order.

    Parameters
    ----------
    chosen
        Name of the dialect of `MAIN`.

    Returns
    -------
    Paths as the dialects write them: ``{model}`` is a placeholder for the model.
    """
    known: dict[str, type[Dialect]] = {
        name: registry.lookup("dialect", name) for name in registry.names("dialect")
    }
    at_own_path = [name for name, one in known.items() if one.served_at_own_path and name != chosen]
    at_own_path.sort(key=lambda name: known[name].shape.documents == Dialect.shape.documents)
    paths: dict[str, list[str]] = {MAIN: [chosen]}
    for name in (chosen, *at_own_path):
        path = registry.lookup("dialect", name).path
        if path != MAIN:
            paths.setdefault(path, []).append(name)
    for name, one in known.items():
        if one.served_under_name:
            paths[f"/{name}{one.path}"] = [name]
    return {path: tuple(names) for path, names in paths.items()}


def candidates(dialects: Mapping[str, Dialect], headers: Mapping[str, str]) -> Mapping[str, Dialect]:
    """Return the dialects whose required headers a request has, if there are any; else all of them.

    A format with a required header of its own, such as ``X-Pinecone-Api-Version``, is known by it where its path and
    its body are also those of other formats.
    """
    known = {
        name: one
        for name, one in dialects.items()
        if one.fixed_headers and all(header in headers for header in one.fixed_headers)
    }
    return known or dialects


def pick(dialects: Mapping[str, Dialect], body: Any) -> str:
    """Return the first dialect whose documents are in a body; the first of all if none fits."""
    for name, dialect in dialects.items():
        if dig(body, dialect.shape.documents) is not None:
            return name
    return next(iter(dialects))
