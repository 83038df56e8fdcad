"""Load plugins from a Python file: ``plugins: [./my_reranker.py]``."""

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
from evalkit.config.judge_settings import JudgeSettings
from evalkit.dialects import Dialect
from evalkit.errors import InputError

_KINDS: dict[type, tuple[str, str]] = {
    RerankerSettings: ("reranker backend", "backend"),
    JudgeSettings: ("judge backend", "backend"),
    RetrieverSettings: ("retriever kind", "kind"),
    DatasetSettings: ("dataset source", "source"),
}
"""Base class of a plugin's inner Settings -> kind of plugin, and the key whose literal type is the plugin's name."""


def load_plugins(file: Path) -> list[registry.Plugin]:
    """Run a Python file, register its plugins, and return them.

    A plugin is a class with an inner ``Settings`` whose key ``backend``, ``kind`` or ``source`` has a literal type: the
    name of the plugin. A `Dialect` is registered under its class name in snake case.

    Raises
    ------
    InputError
        If the file cannot be read or run, has no plugin, or has a plugin whose name is already registered.
    """
    try:
        code = file.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot read the plugin {file.resolve()}: {error.strerror}", "check the path"
        ) from None
    digest = hashlib.sha256(code).hexdigest()[:12]
    module = _import_file(file, digest)
    owner = str(file)
    found = [
        registry.Plugin(kind, name, value, owner, digest)
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__
        for kind, name in _names_of(value)
    ]
    if not found:
        raise InputError(
            f"{file} contains no plugin",
            "define a class with an inner Settings class that contains e.g. backend: Literal['mine']"
            " = 'mine'",
        )
    for plugin in found:
        registry.register(plugin)
    return found


def _import_file(file: Path, digest: str) -> ModuleType:
    """Return a file as a module; a file whose content is already imported is not run again."""
    name = f"evalkit_plugin_{re.sub(r'[^A-Za-z0-9]', '_', file.stem)}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InputError(f"{file} is not a Python file", "use a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        del sys.modules[name]
        raise
    except BaseException as error:  # noqa: BLE001 - a user's file can raise anything, or exit
        del sys.modules[name]
        where = _line_of(error, file)
        raise InputError(
            f"{file}{where} cannot be imported: {type(error).__name__}: {error}",
            "fix the error in the plugin",
        ) from None
    return module


def _line_of(error: BaseException, file: Path) -> str:
    """Return ``:line`` of the innermost frame in the file; an empty string if there is none."""
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
    """Return ``(kind, name)`` for each name of a class; empty if it is not a plugin."""
    if issubclass(plugin, Dialect):
        return [("dialect", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plugin.__name__).lower())]
    settings = getattr(plugin, "Settings", None)
    for base, (kind, key) in _KINDS.items():
        if isinstance(settings, type) and issubclass(settings, base):
            fields: dict[str, Any] = settings.model_fields  # type: ignore[attr-defined]
            return [(kind, name) for name in get_args(fields[key].annotation)]
    return []
