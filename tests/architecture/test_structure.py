"""Sizes, names and documents."""

from __future__ import annotations

import ast
import importlib
import re
import statistics
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
from support.command import ROOT, evalkit

from evalkit import registry
from evalkit.cli import judge, queries
from evalkit.cli.main import COMMANDS
from evalkit.config import load_gate
from evalkit.config.gate_rules import LIMITS
from evalkit.config.source import read_source

SOURCES = sorted((ROOT / "evalkit").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def functions() -> list[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Return every function of the package."""
    return [
        (path, node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_files_are_small() -> None:
    """No file, of the tests either, is over 400 lines, and half of the package's are under 120."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    of_tests = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in TESTS}
    assert not [path for path, lines in {**lengths, **of_tests}.items() if lines > 400]
    assert statistics.median(lengths.values()) <= 120


def test_functions_are_small() -> None:
    """No function is over 60 lines, and half of them are under 12."""
    lengths = {f"{path.name}:{node.name}": (node.end_lineno or 0) - node.lineno for path, node in functions()}
    assert max(lengths.values()) <= 60, max(lengths, key=lengths.__getitem__)
    assert statistics.median(lengths.values()) <= 12


def test_there_are_at_most_twelve_floors() -> None:
    """Imports point down a dozen floors at most, and every package has its place on one of them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (floors,) = (contract["layers"] for contract in settings["contracts"] if contract["type"] == "layers")
    assert len(floors) <= 12
    placed = [name.strip() for floor in floors for name in floor.split("|")]
    assert len(placed) == len(set(placed))
    parts = {path.relative_to(ROOT / "evalkit").parts[0].removesuffix(".py") for path in SOURCES}
    assert set(placed) == {part for part in parts if not part.startswith("__")}


def test_a_module_is_known_by_its_name() -> None:
    """No two modules share a name, but for the layers of one command and what every package may have."""
    places: dict[str, set[str]] = defaultdict(set)
    for path in SOURCES:
        places[path.stem].add(path.parent.name)
    for name in ("__init__", "base"):
        del places[name]
    groups = {"judge": judge.COMMANDS, "queries": queries.COMMANDS}
    grouped = [f"{group}_{name}" for group, names in groups.items() for name in names]
    commands = {name: {"cli", "workflows", "report", "server"} for name in (*COMMANDS, *grouped)}
    # A kind of backend may both rerank and judge; datasets have a source of tables, and reports print tables.
    backends = {name: {"rerankers", "judges"} for name in registry.BUILTIN["judge backend"]}
    allowed = {**commands, **backends, "tables": {"datasets", "report"}}
    twice = {name: packages for name, packages in places.items() if len(packages) > 1}
    assert not {
        name: packages for name, packages in twice.items() if not packages <= allowed.get(name, set())
    }


def test_unit_tests_mirror_the_package() -> None:
    """The file ``tests/unit/stats/test_power.py`` tests ``evalkit/stats/power.py``, and so does every other."""
    unit = ROOT / "tests" / "unit"
    mirrored = {path.relative_to(ROOT / "evalkit") for path in SOURCES}
    for path in unit.rglob("test_*.py"):
        tested = path.relative_to(unit).with_name(path.name.removeprefix("test_"))
        assert tested in mirrored, f"{path.relative_to(ROOT)} mirrors no module"
    strays = {path.name for path in unit.rglob("*.py")} - {path.name for path in unit.rglob("test_*.py")}
    assert strays <= {"conftest.py", "__init__.py"}


def test_no_module_imports_the_top_package_for_its_names() -> None:
    """Nothing below imports from `evalkit` itself but its submodules and its version."""
    allowed = {"registry", "__version__"}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "evalkit":
                assert {alias.name for alias in node.names} <= allowed, path


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, names in registry.BUILTIN.items() for n in names])
def test_every_registered_name_resolves(kind: str, name: str) -> None:
    """Every registry line points at a class that exists, with a first docstring line to show."""
    target = registry.lookup(kind, name)
    assert target.__doc__
    assert target.__doc__.splitlines()[0].strip()
    if kind != "dialect":
        selector = {"dataset source": "source", "retriever kind": "kind"}.get(kind, "backend")
        assert target.Settings.model_fields[selector].default == name


def test_every_folder_explains_itself() -> None:
    """Each top-level folder has a README, and evalkit/README.md names every part of the package."""
    for folder in ("configs", "results", "tests", "evalkit"):
        assert (ROOT / folder / "README.md").is_file()
    page = (ROOT / "evalkit" / "README.md").read_text(encoding="utf-8")
    for part in sorted({p.relative_to(ROOT / "evalkit").parts[0] for p in SOURCES}):
        name = part.removesuffix(".py")
        assert name.startswith("__") or f"`{name}" in page, name


def test_the_shipped_gate_is_sound(tmp_path: Path) -> None:
    """Its rules pass their own check, those in comments too, and the workflow is YAML that calls the gate."""
    text = (ROOT / "configs" / "ci" / "gate.yaml").read_text(encoding="utf-8")
    everything = tmp_path / "all.yaml"
    everything.write_text(re.sub(r"^#  (- )", r"  \1", text, flags=re.MULTILINE), encoding="utf-8")
    assert load_gate(ROOT / "configs" / "ci" / "gate.yaml").rules
    bounds = {rule.bound[0] for rule in load_gate(everything).rules}
    assert bounds == set(LIMITS)
    workflow = read_source((ROOT / "configs" / "ci" / "gate.yml").read_text(encoding="utf-8"), "gate.yml")
    assert not workflow.problems
    assert "evalkit gate candidate" in str(workflow.data)
    assert "--refresh" in str(workflow.data), "cached scores hide a changed model"


def test_configurations_are_sound() -> None:
    """Every shipped configuration passes `evalkit config check`, keys of the environment aside."""
    for file in (ROOT / "configs").glob("*.yaml"):
        done = evalkit(
            "config", "show", file, env={"ASSISTERS_API_KEY": "unused", "OPENAI_API_KEY": "unused"}
        )
        assert done.returncode == 0, done.stderr


def test_public_names_exist() -> None:
    """`evalkit.__all__` is sorted, and every name in it can be had."""
    package = importlib.import_module("evalkit")
    assert package.__all__ == sorted(package.__all__)
    assert all(hasattr(package, name) for name in package.__all__)
