"""Load the public names of a package when they are first used.

A package then costs what is used of it, whichever of its modules a program needs. Its ``__init__.py`` imports its names
in the block ``if TYPE_CHECKING:``, which editors and type checkers read, lists them in ``__all__``, and ends with
``__getattr__ = load_on_use(__name__)``.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any


def load_on_use(package: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package: it imports a name as the block ``if TYPE_CHECKING:`` says.

    References
    ----------
    PEP 562, module ``__getattr__``. Python 3.15 has the same as ``lazy from MODULE import NAME`` (PEP 810). The package
    lazy_loader (SPEC 1 of scientific Python) reads a stub file in the same way.
    """

    def load(name: str) -> Any:
        module = _homes(package).get(name)
        if module is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(module), name)
        setattr(sys.modules[package], name, value)
        return value

    return load


@cache
def _homes(package: str) -> dict[str, str]:
    """Return name -> module, as the block ``if TYPE_CHECKING:`` of the package's source imports them."""
    spec = find_spec(package)
    source = spec.loader.get_source(package) if spec and spec.loader else None  # type: ignore[attr-defined]
    if source is None:
        raise ImportError(f"the source of {package} is missing: install evalkit with its .py files")
    (block,) = (
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )
    return {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
