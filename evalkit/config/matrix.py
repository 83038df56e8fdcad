"""``matrix:``: expand one reranker block into one block per combination of values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from evalkit.config.source import Path, Problem, Source

MATRIX = "matrix"
_MAX_RERANKERS = 100
"""Largest number of rerankers of one block; more are probably a mistake."""


def expand_matrices(source: Source) -> list[Problem]:
    """Replace every reranker that has a ``matrix:`` by one reranker per combination; return the problems.

    ``mini: {backend: bi_encoder, model: m, matrix: {precision: [fp32, int8]}}`` becomes ``mini-fp32`` and
    ``mini-int8``. The new keys get the positions of the keys and values that they come from.
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
        without_matrix = {key: value for key, value in block.items() if key != MATRIX}
        matrix_problems = list(_check_matrix(block[MATRIX], (*path, MATRIX)))
        problems += matrix_problems
        if matrix_problems:
            expanded[tag] = without_matrix
            continue
        for name, chosen, indices in _combinations(str(tag), block[MATRIX]):
            if name in expanded or (name in rerankers and name != tag):
                problems.append(
                    Problem(
                        (*path, MATRIX),
                        f"the matrix gives two rerankers the name {name!r}",
                        "rename one of them",
                    )
                )
            expanded[name] = without_matrix | chosen
            _copy_positions(source, path, ("rerankers", name), indices)
    source.data["rerankers"] = expanded
    return problems


def _check_matrix(matrix: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(matrix, dict) or not matrix:
        yield Problem(
            path, "'matrix' must be a mapping (key: list)", "write e.g. matrix: {precision: [fp32, int8]}"
        )
        return
    count = 1
    for key, values in matrix.items():
        if not isinstance(values, list) or not values:
            yield Problem(
                (*path, key),
                f"{key!r} must be a list with at least one value",
                "write a list: [value, value]",
            )
        else:
            count *= len(values)
    if count > _MAX_RERANKERS:
        yield Problem(
            path,
            f"the matrix defines {count} rerankers; the maximum is {_MAX_RERANKERS}",
            "split the matrix over several rerankers or configurations",
        )


def _combinations(
    tag: str, matrix: Mapping[str, list[Any]]
) -> Iterator[tuple[str, dict[str, Any], dict[str, int]]]:
    """Yield the tag, the chosen values and the indices of these values in their lists, for every combination."""
    for choice in product(*(list(enumerate(values)) for values in matrix.values())):
        chosen = {key: value for key, (_, value) in zip(matrix, choice, strict=True)}
        name = "-".join([tag, *(_tag_part(value) for value in chosen.values())])
        yield name, chosen, {key: index for key, (index, _) in zip(matrix, choice, strict=True)}


def _tag_part(value: Any) -> str:
    """Return a value with the characters that a tag may contain."""
    text = str(value).rstrip("/").rpartition("/")[2] if isinstance(value, str) else str(value)
    return re.sub(r"[^A-Za-z0-9._]+", "_", text).strip("_") or "none"


def _copy_positions(source: Source, old: Path, new: Path, indices: Mapping[str, int]) -> None:
    """Give the keys of a new block the positions of the old block's keys and of the chosen values."""
    for positions in (source.keys, source.values):
        for path, position in list(positions.items()):
            if path[: len(old)] == old:
                positions.setdefault((*new, *path[len(old) :]), position)
        for key, index in indices.items():
            values_path = (*old, MATRIX, key)
            if (*values_path, index) in positions or values_path in positions:
                positions[*new, key] = positions.get((*values_path, index)) or positions[values_path]
