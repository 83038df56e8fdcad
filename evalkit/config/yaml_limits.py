"""Limits of YAML: a person never writes as much, and a file of a few lines can expand to billions of values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import ScalarNode

from evalkit.errors import ConfigError

MOST_BYTES = 1_000_000
"""Of a file."""
MOST_VALUES = 50_000
"""Keys, values and items of a file, those that aliases repeat included."""
MOST_NESTED = 50
"""Mappings and lists within each other."""
MOST_SCALAR_CHARACTERS = 100_000
"""Of one text or number."""


def check_size(text: str, name: str) -> None:
    """Check that a text is not too long to be parsed.

    Raises
    ------
    ConfigError
        If it is.
    """
    if len(text) > MOST_BYTES:
        raise limit_error(name, f"is larger than {MOST_BYTES} characters")


def limit_error(where: str, what: str) -> ConfigError:
    """Return the error for a file that exceeds a limit."""
    return ConfigError([(f"{where}: the YAML {what}", "split it, or move data into files of their own")])


def bounded_yaml(name: str) -> YAML:
    """Return a parser of YAML 1.2 that stops at the limits of nesting, values and the length of a text.

    Its errors are `ConfigError` with the position in the file `name`.
    """

    class BoundedComposer(Composer):
        """Counts the nodes while they are made."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.nested = self.nodes = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            """Count the node, and compose it."""
            event = self.parser.peek_event()
            self.nodes += 1
            self.nested += 1
            try:
                _check(event, name, self.nodes, self.nested)
                return super().compose_node(parent, index)
            finally:
                self.nested -= 1

    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = BoundedComposer
    return yaml


def compose(yaml: YAML, text: str) -> Any:
    """Return the root node of a text; None if it is empty.

    Raises
    ------
    YAMLError
        If it is not YAML.
    ConfigError
        If it exceeds a limit.
    """
    with _only_yaml_errors():
        return yaml.compose(text)


def scalar_of(yaml: YAML, node: ScalarNode) -> Any:
    """Return the value of a scalar node; raise `YAMLError` if it has none."""
    with _only_yaml_errors():
        return yaml.constructor.construct_object(node, deep=True)


@contextmanager
def _only_yaml_errors() -> Iterator[None]:
    """Turn other exceptions of the parser into a `YAMLError`."""
    try:
        yield
    except (YAMLError, ConfigError):
        raise
    except Exception as error:  # noqa: BLE001 - IndexError, and ValueError for an escape beyond Unicode, for instance
        raise YAMLError(str(error)) from None


def _check(event: Any, name: str, nodes: int, nested: int) -> None:
    mark = event.start_mark
    where = f"{name}:{mark.line + 1}:{mark.column + 1}"
    if nodes > MOST_VALUES:
        raise limit_error(where, f"has more than {MOST_VALUES} values")
    if nested > MOST_NESTED:
        raise limit_error(where, f"is nested more than {MOST_NESTED} levels deep")
    if len(getattr(event, "value", None) or "") > MOST_SCALAR_CHARACTERS:
        raise limit_error(where, f"has a text of more than {MOST_SCALAR_CHARACTERS} characters")
