"""YAML text to plain data, remembering where everything stood.

The node graph is walked here, instead of loading in one go, so that every duplicate key and
every odd key is reported at once, with its place, next to all other problems.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from evalkit.errors import ConfigError

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a place in the configuration."""

    path: Path
    message: str
    hint: str | None = None
    at: str | None = None
    """The place, where it is not the one that `path` stands for."""


@dataclass(slots=True)
class Source:
    """Data of a configuration and the place of every key and value in it.

    Attributes
    ----------
    name
        File name as the user gave it.
    data
        Plain dicts, lists and scalars.
    keys, values
        Path -> ``file:line:col`` of its key and of its value.
    problems
        What was wrong with the YAML itself.
    """

    name: str
    data: Any = None
    keys: dict[Path, str] = field(default_factory=dict)
    values: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path, *, of_key: bool = False) -> str:
        """Return where `path` stands; the nearest enclosing place for what is not written."""
        for end in range(len(path), -1, -1):
            found = (self.keys if of_key else self.values).get(path[:end]) or self.keys.get(path[:end])
            if found:
                return found
        return self.name

    def fail_if(self, problems: list[Problem]) -> None:
        """Raise `ConfigError` with all problems in the order of the file, if there are any."""
        if not problems:
            return
        rendered = [(problem.at or self.place(problem.path), problem) for problem in problems]
        rendered.sort(key=lambda item: _natural(item[0]))
        said = ((f"{place}: {problem.message}", problem.hint) for place, problem in rendered)
        raise ConfigError(dict.fromkeys(said))  # one mistake in a matrix is one of several rerankers


def _natural(place: str) -> tuple[tuple[int, int, str], ...]:
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in place.split(":"))


_SCALAR_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp")
)


def read_source(text: str, name: str) -> Source:
    """Parse YAML 1.2 text.

    Raises
    ------
    ConfigError
        If the text is not YAML at all; problems that leave data to look at are kept in
        `Source.problems`.
    """
    yaml = YAML(typ="safe", pure=True)
    source = Source(name)
    try:
        node = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        what = " ".join(str(part) for part in (error.problem, error.context) if part)
        raise ConfigError([(f"{where}: not valid YAML: {what}", None)]) from None
    except YAMLError as error:
        raise ConfigError([(f"{name}: not valid YAML: {error}", None)]) from None
    if node is not None:
        source.data = _Walk(yaml, source).visit(node, ())
    return source


def parse_value(text: str) -> Any:
    """Parse the value of a ``--set``; text that is no YAML is itself."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        return text


class _Walk:
    """Turns nodes into data, noting places and problems in a `Source`."""

    def __init__(self, yaml: YAML, source: Source) -> None:
        self._yaml = yaml
        self._source = source
        self._open: list[Node] = []

    def visit(self, node: Node, path: Path) -> Any:
        self._source.values[path] = self._at(node)
        if any(node is outer for outer in self._open):
            self._source.problems.append(Problem(path, "an alias may not contain itself"))
            return None
        self._open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            if isinstance(node, SequenceNode):
                return [self.visit(child, (*path, index)) for index, child in enumerate(node.value)]
            return self._scalar(node, path) if isinstance(node, ScalarNode) else None
        finally:
            self._open.pop()

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        given: dict[str, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge" or key_node.value == "<<":
                merged = self.visit(value_node, path)
                parts = merged if isinstance(merged, list) else [merged]
                for part in parts:
                    data = {**(part if isinstance(part, Mapping) else {}), **data}
                continue
            key = key_node.value
            place = self._at(key_node)
            if not isinstance(key_node, ScalarNode):
                self._source.problems.append(Problem(path, "a key must be plain text", at=place))
                continue
            child = (*path, str(key))
            if str(key) in given:
                hint = f"it stands in line {given[str(key)]} already; remove one of the two"
                self._source.problems.append(Problem(path, f"key {key!r} is given twice", hint, at=place))
                continue
            given[str(key)] = key_node.start_mark.line + 1
            self._source.keys[child] = place
            data[str(key)] = self.visit(value_node, child)
        return data

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        if str(node.tag) not in _SCALAR_TAGS:
            self._source.problems.append(
                Problem(path, f"the YAML tag {node.tag!s} is not supported", "a configuration is plain data")
            )
            return None
        try:
            return self._yaml.constructor.construct_object(node, deep=True)
        except (YAMLError, ValueError) as error:
            self._source.problems.append(Problem(path, f"cannot read {node.value!r}: {error}"))
            return None

    def _at(self, node: Node) -> str:
        mark = node.start_mark
        return f"{self._source.name}:{mark.line + 1}:{mark.column + 1}"
