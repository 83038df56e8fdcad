"""Parse YAML into plain data, with the position of every key and value; take a dictionary as such data.

This module visits the node graph itself, so that all duplicate and invalid keys are reported together with all other
problems, each with its position. YAML's own loader stops at the first one.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from evalkit.config.key_shapes import mask_keys
from evalkit.config.yaml_limits import (
    MOST_NESTED,
    MOST_VALUES,
    bounded_yaml,
    check_size,
    compose,
    limit_error,
    scalar_of,
)
from evalkit.errors import ConfigError, EvalkitWarning, shortened

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem in a configuration.

    Attributes
    ----------
    path
        Keys and list indices that lead to the value with the problem.
    at
        Position to report instead of that of `path`.
    """

    path: Path
    message: str
    hint: str | None = None
    at: str | None = None


@dataclass(slots=True)
class Source:
    """The data of a configuration and the position of every key and value in it.

    Attributes
    ----------
    name
        File name as the user gave it.
    data
        Dictionaries, lists and scalars.
    keys, values
        Path -> ``file:line:col`` of the key and of the value; ``rerankers.mine.url`` in data without a file.
    problems
        Problems of the YAML and of its overrides.
    """

    name: str
    data: Any = None
    keys: dict[Path, str] = field(default_factory=dict)
    values: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path, *, of_key: bool = False) -> str:
        """Return the position of the value (or key) at `path`, or of its nearest ancestor in the file."""
        for end in range(len(path), -1, -1):
            position = (self.keys if of_key else self.values).get(path[:end]) or self.keys.get(path[:end])
            if position:
                return position
        return self.name

    def fail_if(self, problems: list[Problem]) -> None:
        """Raise `ConfigError` with all problems in the order of the file, if there are any."""
        if problems:
            raise ConfigError(self._in_order(problems))

    def warn(self, problems: list[Problem]) -> None:
        """Give a warning for each problem that does not make the configuration invalid."""
        for text, hint in self._in_order(problems):
            warnings.warn(f"{text}; {hint}", EvalkitWarning, stacklevel=2)

    def _in_order(self, problems: list[Problem]) -> list[tuple[str, str | None]]:
        """Return message with position, and hint, of each problem in the order of the file."""
        positioned = [(problem.at or self.place(problem.path), problem) for problem in problems]
        positioned.sort(key=lambda item: _sort_key(item[0]))
        # A message may quote the value that is wrong, and this may be a key in the wrong place.
        rendered = (
            (mask_keys(f"{position}: {problem.message}"), problem.hint and mask_keys(problem.hint))
            for position, problem in positioned
        )
        # One mistake in a matrix block is a problem of several rerankers: report it once.
        return list(dict.fromkeys(rendered))


def _sort_key(position: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that compares the numbers in a position by value."""
    return tuple((0, int(part), "") if _is_number(part) else (1, 0, part) for part in position.split(":"))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


_MOST_BITS = 1024
"""Of a whole number; no setting takes more than 64."""
_SCALAR_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp")
)
"""YAML tags that a configuration may contain."""


def read_source(text: str, name: str) -> Source:
    """Parse YAML 1.2 text.

    Raises
    ------
    ConfigError
        If the text is not valid YAML. Other problems are added to `Source.problems`.
    """
    check_size(text, name)
    yaml = bounded_yaml(name)
    source = Source(name)
    try:
        node = compose(yaml, text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        if "found character '\\t'" in str(error.problem):
            raise ConfigError(
                [(f"{where}: tab character, which YAML does not allow here", _tab_hint(text))]
            ) from None
        what = " ".join(str(part) for part in (error.problem, error.context) if part)
        raise ConfigError([(f"{where}: not valid YAML: {what}", None)]) from None
    except YAMLError as error:
        at = getattr(error, "position", None)  # of a character that YAML does not allow
        where = name if at is None else f"{name}:{text.count(chr(10), 0, at) + 1}"
        raise ConfigError([(f"{where}: not valid YAML: {str(error).partition(chr(10))[0]}", None)]) from None
    if node is not None:
        source.data = _NodeReader(yaml, source).read(node, ())
    return source


def _tab_hint(text: str) -> str:
    """Return the hint for a tab, with the number of lines that begin with one."""
    indented = sum("\t" in line[: len(line) - len(line.lstrip())] for line in text.splitlines())
    return "use spaces instead of tabs" + (
        f"; {indented} lines are indented with tabs" if indented > 1 else ""
    )


def parse_value(text: str, place: str = "--set") -> Any:
    """Parse the value of a ``--set`` as YAML; return the text itself if it is not valid YAML.

    Raises
    ------
    ConfigError
        If it exceeds a limit of YAML.
    """
    check_size(text, place)
    source = Source(place)
    yaml = bounded_yaml(place)
    try:
        node = compose(yaml, text)
    except YAMLError:
        return text
    data = None if node is None else _NodeReader(yaml, source).read(node, ())
    return text if source.problems else data


def source_of(data: Mapping[str, Any]) -> Source:
    """Return a copy of a dictionary, as YAML would give it; the position of a value is the path of its key.

    Values of other types than those of YAML are added to `Source.problems`.
    """
    source = Source("config")
    source.data = _copied(data, source, ())
    return source


def _copied(value: Any, source: Source, path: Path) -> Any:
    source.values[path] = key_path(path) or source.name
    if len(path) > MOST_NESTED:
        raise ConfigError([(f"{key_path(path[:3])}: nested more than {MOST_NESTED} levels deep", None)])
    if isinstance(value, Mapping):
        return {str(key): _copied_item(key, child, source, path) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(child, source, (*path, index)) for index, child in enumerate(value)]
    if value is None or isinstance(value, str | int | float | date):
        if (fault := _fault_of(value)) is None:
            return value
        source.problems.append(Problem(path, f"the value cannot be used: {fault}"))
        return None
    if isinstance(value, PurePath):
        return str(value)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    hint = "use text, numbers, lists and dictionaries, as in a YAML file"
    source.problems.append(Problem(path, f"a value of type {kind} is not supported", hint))
    return None


def _copied_item(key: Any, value: Any, source: Source, path: Path) -> Any:
    child = (*path, str(key))
    source.keys[child] = key_path(child)
    if not isinstance(key, str):
        source.problems.append(Problem(child, f"the key {key!r} must be text", f"write {str(key)!r}"))
    return _copied(value, source, child)


def _fault_of(value: Any) -> str | None:
    """Return why a scalar cannot be passed on, as settings are checked as JSON; None if it can."""
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return "the number is too large"
    if isinstance(value, str) and "\0" in value:
        return "it has the character NUL"
    if isinstance(value, str) and not value.isascii() and any("\ud800" <= one <= "\udfff" for one in value):
        return "it has half of a surrogate pair, which is no character"
    return None


def key_path(path: Path) -> str:
    """Return a path as text, such as ``datasets[0].split``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


class _NodeReader:
    """Converts YAML nodes to data, and adds positions and problems to a `Source`."""

    def __init__(self, yaml: YAML, source: Source) -> None:
        self._yaml = yaml
        self._source = source
        self._ancestors: list[Node] = []
        self._read = 0

    def read(self, node: Node, path: Path) -> Any:
        self._source.values[path] = self._position(node)
        self._read += 1
        if self._read > MOST_VALUES:
            raise limit_error(self._position(node), f"expands to more than {MOST_VALUES} values")
        if len(self._ancestors) > MOST_NESTED:
            raise limit_error(self._position(node), f"is nested more than {MOST_NESTED} levels deep")
        if any(node is ancestor for ancestor in self._ancestors):
            self._source.problems.append(Problem(path, "an alias may not contain itself"))
            return None
        self._ancestors.append(node)
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            if isinstance(node, SequenceNode):
                return [self.read(child, (*path, index)) for index, child in enumerate(node.value)]
            return self._scalar(node, path) if isinstance(node, ScalarNode) else None
        finally:
            self._ancestors.pop()

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge" or key_node.value == "<<":
                merged = self.read(value_node, path)
                parts = merged if isinstance(merged, list) else [merged]
                for part in parts:
                    data = {**(part if isinstance(part, Mapping) else {}), **data}
                continue
            key = key_node.value
            position = self._position(key_node)
            if not isinstance(key_node, ScalarNode):
                self._source.problems.append(Problem(path, "a key must be plain text", at=position))
                continue
            child = (*path, str(key))
            if fault := _fault_of(str(key)):
                self._source.problems.append(
                    Problem(path, f"cannot read the key {key!r}: {fault}", at=position)
                )
                continue
            if str(key) in lines:
                hint = f"remove one of the two; the other is in line {lines[str(key)]}"
                self._source.problems.append(Problem(path, f"key {key!r} occurs twice", hint, at=position))
                continue
            lines[str(key)] = key_node.start_mark.line + 1
            self._source.keys[child] = position
            data[str(key)] = self.read(value_node, child)
        return data

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        if str(node.tag) not in _SCALAR_TAGS:
            self._source.problems.append(
                Problem(path, f"the YAML tag {node.tag!s} is not supported", "remove the tag")
            )
            return None
        try:
            value = scalar_of(self._yaml, node)
        except YAMLError as error:
            fault: str | None = str(error)
        else:
            fault = _fault_of(value)
            if fault is None:
                return value
        self._source.problems.append(Problem(path, f"cannot read {shortened(repr(node.value), 80)}: {fault}"))
        return None

    def _position(self, node: Node) -> str:
        mark = node.start_mark
        return f"{self._source.name}:{mark.line + 1}:{mark.column + 1}"
