"""Print the packages of evalkit, floor by floor, with the packages that each one imports.

``python tests/architecture/import_graph.py`` reads the floors from pyproject.toml and the imports from the code; it
needs the standard library only. An argument names another checkout, for a comparison with an older version. An import
of the same floor or of a higher one is marked with ``!``; the exit code is then 1. ``make floors`` checks the same with
import-linter.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

THIS_CHECKOUT = Path(__file__).parents[2]


def floors(checkout: Path) -> list[list[str]]:
    """Return the packages of every floor, the highest floor first."""
    settings = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (one for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def arrows(checkout: Path) -> Counter[tuple[str, str]]:
    """Return (package, imported package) -> the number of modules that import it."""
    package = checkout / "evalkit"
    return Counter(
        (part, imported)
        for file in package.rglob("*.py")
        if not (part := file.relative_to(package).parts[0].removesuffix(".py")).startswith("__")
        for imported in set(imported_packages(file))
        if imported != part
    )


def imported_packages(file: Path) -> Iterator[str]:
    """Yield the packages of evalkit that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "evalkit":
            names = [f"evalkit.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        parts = [name.split(".") for name in names]
        yield from (
            part[1] for part in parts if part[0] == "evalkit" and len(part) > 1 and "__" not in part[1]
        )


def graph(checkout: Path = THIS_CHECKOUT) -> tuple[list[str], int]:
    """Return the lines to print, and the number of imports that do not point down."""
    levels, found, lines, wrong = floors(checkout), arrows(checkout), [], 0
    level_of = {name: len(levels) - number for number, names in enumerate(levels) for name in names}
    for names in levels:
        lines += ["", f"floor {level_of[names[0]]}: {' | '.join(names)}"]
        for name in names:
            imported = sorted(other for package, other in found if package == name)
            upwards = {other for other in imported if level_of.get(other, 0) >= level_of[name]}
            wrong += len(upwards)
            shown = (f"{'!' if other in upwards else ''}{other} ({found[name, other]})" for other in imported)
            lines.append(f"  {name} -> {', '.join(shown) or 'nothing'}")
    return lines, wrong


if __name__ == "__main__":
    text, breaches = graph(*map(Path, sys.argv[1:2]))
    sys.stdout.write("package -> imported package (number of modules that import it)\n")
    sys.stdout.write("\n".join([*text, "", f"imports that do not point down: {breaches}", ""]))
    sys.exit(1 if breaches else 0)
