"""``matrix:``: one block that stands for many, one for each combination of some values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from evalkit.config.source import Path, Problem, Source

MATRIX = "matrix"
_MOST = 100
"""Rerankers that one block may stand for: more are a slip."""


def expand_matrices(source: Source) -> list[Problem]:
    """Replace every reranker with a ``matrix:`` by one for each combination; return what is wrong with them.

    ``mini: {backend: bi_encoder, model: m, matrix: {precision: [fp32, int8]}}`` becomes ``mini-fp32`` and
    ``mini-int8``. Whatever is said of one of them later is said of the place in the file that it came from.
    """
    rerankers = source.data.get("rerankers") if isinstance(source.data, dict) else None
    if not isinstance(rerankers, dict):
        return []
    problems: list[Problem] = []
    expanded: dict[str, Any] = {}
    for tag, block in rerankers.items():
        if not isinstance(block, dict) or MATRIX not in block:
            expanded[tag] = block
            continue
        path = ("rerankers", str(tag))
        wrong = list(_faults(block[MATRIX], (*path, MATRIX)))
        problems += wrong
        if wrong:
            expanded[tag] = {key: value for key, value in block.items() if key != MATRIX}
            continue
        for name, chosen, places in _combinations(str(tag), block[MATRIX]):
            if name in expanded or (name in rerankers and name != tag):
                problems.append(
                    Problem((*path, MATRIX), f"two rerankers would be called {name!r}", "rename one")
                )
            expanded[name] = {key: value for key, value in block.items() if key != MATRIX} | chosen
            _place(source, path, ("rerankers", name), places)
    source.data["rerankers"] = expanded
    return problems


def _faults(matrix: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(matrix, dict) or not matrix:
        yield Problem(
            path, "'matrix' must be a mapping (key: list)", "e.g. matrix: {precision: [fp32, int8]}"
        )
        return
    count = 1
    for key, values in matrix.items():
        if not isinstance(values, list) or not values:
            yield Problem(
                (*path, key), f"{key!r} must be a list with a value or more", "write [value, value]"
            )
        else:
            count *= len(values)
    if count > _MOST:
        yield Problem(path, f"stands for {count} rerankers, and at most {_MOST} are allowed", "split it")


def _combinations(
    tag: str, matrix: Mapping[str, list[Any]]
) -> Iterator[tuple[str, dict[str, Any], dict[str, int]]]:
    """Yield tag, chosen values and their places in their lists, for every combination."""
    for choice in product(*(list(enumerate(values)) for values in matrix.values())):
        chosen = {key: value for key, (_, value) in zip(matrix, choice, strict=True)}
        name = "-".join([tag, *(_word(value) for value in chosen.values())])
        yield name, chosen, {key: place for key, (place, _) in zip(matrix, choice, strict=True)}


def _word(value: Any) -> str:
    """Return a value as a part of a tag."""
    text = str(value).rstrip("/").rpartition("/")[2] if isinstance(value, str) else str(value)
    return re.sub(r"[^A-Za-z0-9._]+", "_", text).strip("_") or "none"


def _place(source: Source, old: Path, new: Path, places: Mapping[str, int]) -> None:
    """Let the new block's keys stand where the old one's, and its chosen values, stand."""
    for table in (source.keys, source.values):
        for path, where in list(table.items()):
            if path[: len(old)] == old:
                table.setdefault((*new, *path[len(old) :]), where)
        for key, place in places.items():
            listed = (*old, MATRIX, key)
            if (*listed, place) in table or listed in table:
                table[*new, key] = table.get((*listed, place)) or table[listed]
