"""Models with modules of their own for queries and for documents."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from evalkit.encoding.torch_runtime.role_modules import distinguishes_roles, input_module
from evalkit.errors import InputError

pytest.importorskip("sentence_transformers", reason="needs the local extra")


def reader(name: str) -> Any:
    """Return a module that marks the texts that it tokenises by its name."""
    import torch

    def preprocess(_: Any, texts: list[str], **__: Any) -> dict[str, Any]:
        """Return the name of the module as the only feature."""
        return {"read by": name, "input_ids": torch.ones(len(texts), 1)}

    module = type("Reader", (torch.nn.Module,), {"preprocess": preprocess})()
    module.name = name
    return module


def model(routes: tuple[str, ...], **options: Any) -> Any:
    """Return a model whose first module is a router with these routes."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Router

    router = Router({name: [reader(name)] for name in routes}, **options)
    return SentenceTransformer(modules=[router], device="cpu")


MAPPINGS: list[dict[tuple[str | None, str | None], str]] = [
    {},
    {("query", "text"): "a", ("document", None): "b"},
    {("query", None): "a", (None, "text"): "b"},
    {(None, None): "a", ("document", "text"): "query"},
]


@pytest.mark.parametrize(("mapping", "task"), list(product(MAPPINGS, ["query", "document", None])))
def test_texts_are_read_by_the_module_that_the_library_takes(mapping: Any, task: str | None) -> None:
    """By mapping, by name, or by default."""
    one = model(("a", "b", "query", "document"), route_mappings=mapping, default_route="b")
    found = one.preprocess(["a text"], task=task)
    assert input_module(one, task).name == found["read by"]


def test_a_router_distinguishes_roles() -> None:
    """Every router does; one that has no modules for a role is refused, with its routes."""
    assert distinguishes_roles(model(("query", "document")), ["a text"], "m")
    with pytest.raises(
        InputError, match="'m' has modules for query, doc, and none for the role 'document'"
    ) as caught:
        distinguishes_roles(model(("query", "doc")), ["a text"], "m")
    assert "rename its routes" in str(caught.value.hint)
