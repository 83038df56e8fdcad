"""Models of sentence-transformers that read queries and documents differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from evalkit.encoding.token_vectors import Task
from evalkit.encoding.tokens import Item


def input_module(library_model: Any, task: str | None) -> Any:
    """Return the module that tokenises the texts of a role: the first one, or the first of the role's route.

    Parameters
    ----------
    library_model
        A sentence-transformers model.
    task
        The role; None for texts without a role.
    """
    from sentence_transformers.base.modules import Router

    first = library_model[0]
    return first.sub_modules[_route(first, task)][0] if isinstance(first, Router) else first


def _route(router: Any, task: str | None) -> str:
    """Return the name of the route that a router takes for texts of a role, in the order that it documents."""
    for key in ((task, "text"), (task, None), (None, "text"), (None, None)):
        if key in router.route_mappings:
            return str(router.route_mappings[key])
    return str(next((name for name in (task, "text") if name in router.sub_modules), router.default_route))


def distinguishes_roles(library_model: Any, items: Sequence[Item]) -> bool:
    """Return whether a model has modules of its own for a role, or tokenises queries and documents differently.

    Parameters
    ----------
    library_model
        A sentence-transformers model.
    items
        Texts that reveal differences, one of them longer than any limit.
    """
    if "task" in library_model.get_model_kwargs():
        return True
    query, document = (
        library_model.preprocess(list(items), task=role)["input_ids"] for role in get_args(Task)
    )
    return bool(query.shape != document.shape or (query != document).any())
