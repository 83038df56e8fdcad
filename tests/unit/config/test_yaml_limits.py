"""Limits of YAML, and of every number in a configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.messages import said

from evalkit import registry
from evalkit.config.experiment import Outline
from evalkit.config.gate_rules import GateSettings
from evalkit.config.service import KeysFile
from evalkit.config.settings import Settings
from evalkit.config.source import parse_value, read_source, source_of
from evalkit.config.yaml_limits import MOST_BYTES, MOST_NESTED, MOST_SCALAR_CHARACTERS, MOST_VALUES

LAUGHS = "a0: &a0 [1, 2, 3, 4]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 6)
)


@pytest.mark.long
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * (MOST_NESTED + 1), f"f:1:{MOST_NESTED + 1}: the YAML is nested more than"),
        ("- a\n" * (MOST_VALUES + 1), f"f:{MOST_VALUES}:3: the YAML has more than"),
        (LAUGHS, "the YAML expands to more than"),
        ("x" * (MOST_BYTES + 1), "f: the YAML is larger than"),
        ("a: " + "x" * (MOST_SCALAR_CHARACTERS + 1), "f:1:4: the YAML has a text of more than"),
        ("a: &a\n  <<: *a\n", ""),
    ],
    ids=["nested", "values", "aliases", "bytes", "text", "itself"],
)  # fmt: skip
def test_a_text_has_limits(text: str, told: str) -> None:
    """The message names the position and the limit; an alias within itself is a problem, not an endless walk."""
    if not told:
        assert [one.message for one in read_source(text, "f").problems] == ["an alias may not contain itself"]
        return
    assert told in said(lambda: read_source(text, "f"))
    assert "the YAML " in said(lambda: parse_value(text))


@pytest.mark.parametrize("text", ["\\ud800", "\\0"])
def test_texts_that_no_setting_can_hold_are_problems(text: str) -> None:
    """In a file and in a dictionary; so are numbers without end."""
    (problem,) = read_source(f'a: "{text}"', "f").problems
    assert "cannot read" in problem.message
    (other,) = source_of({"a": f"{text}".encode().decode("unicode_escape")}).problems
    assert "cannot be used" in other.message
    assert len(read_source(f"a: 0x{'f' * 2000}", "f").problems) == 1


def test_a_dictionary_within_itself_is_wrong_input() -> None:
    """It is refused at the depth that YAML may have."""
    inner: dict[str, Any] = {}
    inner["a"] = inner
    assert "nested more than" in said(lambda: source_of(inner))


def _unbounded(schema: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths of numbers without an upper bound in a JSON Schema."""
    if isinstance(schema, list):
        for item in schema:
            yield from _unbounded(item, path)
    if not isinstance(schema, dict):
        return
    if schema.get("type") in {"integer", "number"} and not (
        {"maximum", "exclusiveMaximum", "enum", "const"} & schema.keys()
    ):
        yield path
    for key, value in schema.items():
        if key not in {"default", "enum"}:
            yield from _unbounded(value, (*path, key))


def _settings() -> Iterator[type[Settings]]:
    yield from (Outline, GateSettings, KeysFile)
    for kind in ("dataset source", "retriever kind", "reranker backend"):
        for name in registry.names(kind):
            yield registry.lookup(kind, name).Settings


def test_every_number_has_an_upper_bound() -> None:
    """So that no setting lets a command run for ever, or overflows."""
    found = {(one.__name__, *path) for one in _settings() for path in _unbounded(one.model_json_schema())}
    assert found == set()
