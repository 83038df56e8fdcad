"""The paths of the service, and the wire formats that each path accepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit import registry
from evalkit.dialects import Dialect
from evalkit.dialects.served_format import ServedFormat

MAIN = "/v1/rerank"
"""The path whose wire format is chosen with ``--dialect``."""


def dialects_by_path(chosen: str) -> dict[str, tuple[str, ...]]:
    """Return path -> names of the dialects it accepts, in the order in which `pick` tries them.

    Paths are of four kinds. `MAIN` accepts the chosen dialect only. A dialect's own path accepts the chosen dialect
    and those with `Dialect.served_at_own_path`; several may share it. A further path of an API accepts the chosen
    dialect and those that list it in `Dialect.aliases_at_root`. A path behind a dialect's name, ``/jina/v1/rerank``,
    accepts this dialect only; so do its aliases, ``/vllm/v2/rerank``.

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
    known = dialect_classes()
    others = [name for name in known if name != chosen]
    others.sort(key=lambda name: known[name].shape.documents == Dialect.shape.documents)
    paths: dict[str, list[str]] = {MAIN: [chosen]}
    for name in (chosen, *others):
        one = registry.lookup("dialect", name)
        aliases = one.aliases if name == chosen else one.aliases_at_root
        own = (one.path,) if name == chosen or one.served_at_own_path else ()
        for path in (*own, *aliases):
            if path != MAIN:
                paths.setdefault(path, []).append(name)
    for name, one in known.items():
        if one.served_under_name:
            paths |= {f"/{name}{path}": [name] for path in (one.path, *one.aliases)}
    return {path: tuple(names) for path, names in paths.items()}


def dialect_classes() -> dict[str, type[Dialect]]:
    """Return name -> class of all dialects."""
    return {name: registry.lookup("dialect", name) for name in registry.names("dialect")}


def candidates(
    dialects: Mapping[str, ServedFormat], headers: Mapping[str, str]
) -> Mapping[str, ServedFormat]:
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


def pick(dialects: Mapping[str, ServedFormat], body: Any) -> str:
    """Return the dialect that a body is meant for.

    It is the first whose documents are in the body and which needs no model that the body lacks; else the first whose
    documents are in the body; else the first of all.
    """
    return max(dialects, key=lambda name: _fit(dialects[name], body))


def _fit(dialect: ServedFormat, body: Any) -> int:
    """Return how well a body fits a dialect; `max` prefers the first of several that fit equally."""
    has_documents, has_model = dialect.fits(body)
    return has_documents + (has_documents and has_model)
