"""Models of sentence-transformers that read queries and documents differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from evalkit.encoding.embeddings.token_vectors import Task
from evalkit.encoding.tokens import Item
from evalkit.errors import InputError


@dataclass(frozen=True, slots=True)
class Route:
    """A way of texts through a model.

    Attributes
    ----------
    name
        Its name; None for the only one of a model without a router.
    module
        The module of sentence-transformers that tokenises them.
    network
        The torch module that computes: it and the modules after it.
    """

    name: str | None
    module: Any
    network: Any


def routes(library_model: Any) -> list[Route]:
    """Return the routes of a model: those of its router, or the single one of a model without."""
    router = _router(library_model)
    if router is None:
        return [Route(None, library_model[0], library_model)]
    return [Route(name, modules[0], modules) for name, modules in router.sub_modules.items()]


def input_module(library_model: Any, task: str | None) -> Any:
    """Return the module that tokenises the texts of a role: the first one, or the first of the role's route.

    Parameters
    ----------
    library_model
        A sentence-transformers model.
    task
        The role; None for texts without a role.
    """
    router = _router(library_model)
    if router is None:
        return library_model[0]
    return router.sub_modules[_route(router, task) or router.default_route][0]


def _router(library_model: Any) -> Any:
    """Return the first module if it is a router; else None."""
    from sentence_transformers.base.modules import Router

    return library_model[0] if isinstance(library_model[0], Router) else None


def _route(router: Any, task: str | None) -> str | None:
    """Return the name of a router's route for a role, in the order that it documents; None if it has none."""
    for key in ((task, "text"), (task, None), (None, "text"), (None, None)):
        if key in router.route_mappings:
            return str(router.route_mappings[key])
    return next((name for name in (task, "text") if name in router.sub_modules), None)


def distinguishes_roles(library_model: Any, items: Sequence[Item], name: str) -> bool:
    """Return whether a model has modules of its own for a role, or tokenises queries and documents differently.

    Parameters
    ----------
    library_model
        A sentence-transformers model.
    items
        Texts that reveal differences, one of them longer than any limit.
    name
        Folder or hub id, for messages.

    Raises
    ------
    InputError
        If the model has modules by role, and none for queries or for documents.
    """
    router = _router(library_model)
    missing = next(
        (role for role in get_args(Task) if router is not None and _route(router, role) is None), None
    )
    if missing is not None:
        raise InputError(
            f"the model {name!r} has modules for {', '.join(router.sub_modules)}, and none for the role {missing!r}",
            "rename its routes to query and document in its router_config.json (or config.json)",
        )
    if "task" in library_model.get_model_kwargs():
        return True
    query, document = (
        library_model.preprocess(list(items), task=role)["input_ids"] for role in get_args(Task)
    )
    return bool(query.shape != document.shape or (query != document).any())
