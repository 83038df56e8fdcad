"""Classes of one's own in a Python file: ``plugins: [./my_reranker.py]``."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from evalkit import registry
from evalkit.config.blocks import DatasetSettings, RerankerSettings, RetrieverSettings
from evalkit.dialects import Dialect
from evalkit.errors import InputError

_KINDS: dict[type, tuple[str, str]] = {
    RerankerSettings: ("reranker backend", "backend"),
    RetrieverSettings: ("retriever kind", "kind"),
    DatasetSettings: ("dataset source", "source"),
}
"""What a class's inner Settings derive from -> its kind, and the key whose literal is its name."""


def load_plugins(file: Path) -> list[registry.Plugin]:
    """Register every plugin of a Python file, and return them.

    A plugin is a class with an inner ``Settings``, whose key ``backend``, ``kind`` or ``source`` is a literal: that is
    its name. A `Dialect` goes by its own name in small letters.

    Raises
    ------
    InputError
        If there is no such file, it cannot be run, or holds no plugin; or a name is taken.
    """
    try:
        code = file.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot read the plugin {file.resolve()}: {error.strerror}", "check the path"
        ) from None
    digest = hashlib.sha256(code).hexdigest()[:12]
    module = _module(file, digest)
    owner = str(file)
    found = [
        registry.Plugin(kind, name, value, owner, digest)
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__
        for kind, name in _names_of(value)
    ]
    if not found:
        raise InputError(
            f"{file} holds no plugin",
            "a plugin is a class with an inner Settings that says e.g. backend: Literal['mine'] = 'mine'",
        )
    for plugin in found:
        registry.register(plugin)
    return found


def _module(file: Path, digest: str) -> ModuleType:
    name = f"evalkit_plugin_{re.sub(r'[^A-Za-z0-9]', '_', file.stem)}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InputError(f"{file} is no Python file", "name a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file does while it is run
        del sys.modules[name]
        where = _line_of(error, file)
        raise InputError(f"{file}{where} cannot be run: {type(error).__name__}: {error}", "mend it") from None
    return module


def _line_of(error: Exception, file: Path) -> str:
    if isinstance(error, SyntaxError):
        return f":{error.lineno}"
    line = None
    trace = error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).name == file.name:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f":{line}" if line else ""


def _names_of(plugin: type[Any]) -> list[tuple[str, str]]:
    """Return kind and name of a class; none where it is no plugin."""
    if issubclass(plugin, Dialect):
        return [("dialect", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plugin.__name__).lower())]
    settings = getattr(plugin, "Settings", None)
    for base, (kind, key) in _KINDS.items():
        if isinstance(settings, type) and issubclass(settings, base):
            fields: dict[str, Any] = settings.model_fields  # type: ignore[attr-defined]
            return [(kind, name) for name in get_args(fields[key].annotation)]
    return []
