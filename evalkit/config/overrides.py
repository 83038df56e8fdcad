"""``--set path=value``: override a setting of a configuration from the command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from evalkit.config.source import Path, Problem, Source, parse_value
from evalkit.config.yaml_limits import MOST_NESTED
from evalkit.errors import shortened


def apply_overrides(source: Source, overrides: Iterable[str]) -> None:
    """Write each ``path=value`` into the data of a configuration; its position becomes ``--set path``.

    A path consists of keys and list indices from 0, joined by dots: ``rerankers.mine.url``, ``datasets.0.split``. The
    value is YAML. Missing mappings on the path are created. Invalid overrides are added to the problems of the source.
    """
    for override in overrides:
        target, separator, text = override.partition("=")
        place = f"--set {shortened(override, 200)}"
        if not separator or not target:
            source.problems.append(
                Problem((), f"{shortened(override, 200)!r} has no '='", "write --set path=value", at=place)
            )
            continue
        path = tuple(int(part) if _is_index(part) else part for part in target.split("."))
        if source.data is None:
            source.data = {}
        value = parse_value(text, f"--set {target}")
        if len(path) > MOST_NESTED or not _assign(source.data, path, value):
            source.problems.append(
                Problem(
                    (),
                    f"{shortened(target, 200)!r} is not a path in the configuration",
                    "name a key of a mapping",
                    at=place,
                )
            )
            continue
        _remove_positions(source, path)
        source.keys[path] = source.values[path] = f"--set {target}"


def _is_index(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) < 19


def _assign(data: Any, path: Path, value: Any) -> bool:
    """Set the value at a path and return True; return False if the path does not fit the data."""
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


def _remove_positions(source: Source, path: Path) -> None:
    """Remove the positions of a path and of everything below it."""
    for positions in (source.keys, source.values):
        for replaced in [p for p in positions if p[: len(path)] == path]:
            del positions[replaced]
