"""``--set path=value``: change one setting of a configuration from the command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from evalkit.config.source import Path, Problem, Source, parse_value


def apply_overrides(source: Source, overrides: Iterable[str]) -> None:
    """Write each ``path=value`` into the data; its place becomes ``--set path``.

    A path is keys joined by dots, list positions as numbers from 0: ``rerankers.mine.url``,
    ``datasets.0.split``. The value is YAML. Missing mappings on the way are created.
    """
    for override in overrides:
        target, separator, text = override.partition("=")
        place = f"--set {override}"
        if not separator or not target:
            source.problems.append(
                Problem((), f"{override!r} sets nothing", "write --set path=value", at=f"--set {override}")
            )
            continue
        path = _resolve(target.split("."))
        if source.data is None:
            source.data = {}
        if not _assign(source.data, path, parse_value(text)):
            source.problems.append(
                Problem((), f"there is no place {target!r} to set", "name a key below a mapping", at=place)
            )
            continue
        _forget_below(source, path)
        source.keys[path] = source.values[path] = f"--set {target}"


def _resolve(parts: list[str]) -> Path:
    return tuple(int(part) if part.isdigit() else part for part in parts)


def _assign(data: Any, path: Path, value: Any) -> bool:
    *outer, last = path
    for step in outer:
        if isinstance(data, dict):
            data = data.setdefault(str(step), {})
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return False
    if isinstance(data, dict):
        data[str(last)] = value
        return True
    if isinstance(data, list) and isinstance(last, int) and last <= len(data):
        data[last : last + 1] = [value]
        return True
    return False


def _forget_below(source: Source, path: Path) -> None:
    for table in (source.keys, source.values):
        for known in [p for p in table if p[: len(path)] == path]:
            del table[known]
