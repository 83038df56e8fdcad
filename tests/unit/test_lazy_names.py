"""Packages whose public names are loaded when they are first used."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import evalkit

PACKAGES = sorted(
    ".".join(("evalkit", *path.parent.relative_to(Path(evalkit.__path__[0])).parts))
    for path in Path(evalkit.__path__[0]).rglob("__init__.py")
    if "load_on_use(__name__)" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_is_there(name: str) -> None:
    """The block of imports and ``__all__`` agree, and no name is that of a module, which would hide it."""
    package = importlib.import_module(name)
    modules = {path.stem for path in Path(package.__path__[0]).iterdir()}
    assert package.__all__
    assert not modules & set(package.__all__)
    assert all(getattr(package, public) is not None for public in package.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As for any other module; `hasattr` and ``from package import module`` rely on it."""
    package = importlib.import_module("evalkit.stats")
    with pytest.raises(AttributeError, match=r"'evalkit\.stats' has no attribute 'nothing'"):
        _ = package.nothing
    assert not hasattr(package, "nothing")


def test_a_name_loads_its_own_module_only() -> None:
    """It is then an ordinary attribute of the package."""
    code = (
        "import sys, evalkit.stats\n"
        "from evalkit.stats import sign_flip\n"
        "print('evalkit.stats.paired' in sys.modules, 'evalkit.stats.power' in sys.modules)\n"
        "print('sign_flip' in vars(evalkit.stats))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["True", "False", "True"]
