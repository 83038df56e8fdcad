"""Paths of requests and replies: what a path means, what it refuses, and that writing and reading agree."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.dialects.shape import MOST_POSITIONS, Shape, add, dig, first_gap, put, split_path

plain_keys = st.text("abcXYZ_-$/ ", min_size=1, max_size=5).filter(lambda key: key == key.strip())
quoted_keys = st.text(st.characters(codec="utf-8", exclude_characters='"'), min_size=1, max_size=5)
parts = (
    plain_keys.map(lambda key: (key, key))
    | quoted_keys.map(lambda key: (f'"{key}"', key))
    | st.integers(0, 3).map(lambda position: (str(position), position))
)


@pytest.mark.parametrize(
    ("path", "meaning"),
    [("query", ("query",)), ("input.query", ("input", "query")), ("queries.0.text", ("queries", 0, "text")),
     ('"a.b".c', ("a.b", "c")), ('a."0"', ("a", "0")), ("0", (0,)), ("1a.x2", ("1a", "x2")),
     ('"a[0]"', ("a[0]",)), (f"a.{MOST_POSITIONS - 1}", ("a", MOST_POSITIONS - 1))],
)  # fmt: skip
def test_a_path_is_keys_and_positions(path: str, meaning: tuple[str | int, ...]) -> None:
    """Digits are a position in a list; a key that is a number or contains a dot is quoted."""
    assert split_path(path) == meaning


@pytest.mark.parametrize(
    ("path", "reason"),
    [("a..b", "empty part"), ("a.", "empty part"), (".a", "empty part"), ("", "empty part"), (".", "empty part"),
     ("a.-1", "'-1' is no position"), ("a.00", "'00' is no position"), (f"a.{MOST_POSITIONS}", "is no position"),
     ("results[0]", "such as results.0"), ("a.*", "double quotes"), ('a"b', "double quotes"), ("a. b", "double quotes"),
     ('"a"b', "double quotes"), ('""', "double quotes")],
)  # fmt: skip
def test_a_malformed_path_is_an_error(path: str, reason: str) -> None:
    """What could be read in two ways is read in none."""
    with pytest.raises(ValueError, match="is not a path") as raised:
        split_path(path)
    assert reason in str(raised.value)


@given(path=st.lists(parts, min_size=1, max_size=4), value=st.integers())
def test_a_value_is_read_where_it_was_written(path: list[tuple[str, Any]], value: int) -> None:
    """dig(put(path, value)) is the value; a path that begins with a position does not fit an object."""
    text = ".".join(written for written, _ in path)
    assert split_path(text) == tuple(meaning for _, meaning in path)
    body: dict[str, Any] = {}
    if isinstance(path[0][1], int):
        with pytest.raises(ValueError, match="leads through an object"):
            put(body, text, value)
        return
    put(body, text, value)
    assert dig(body, text) == value


def test_values_of_one_object_and_one_list_come_together() -> None:
    """Constants and values of nested paths are added to each other, objects in any order."""
    query = ("queries.0.textQuery.text", "q")
    constants: list[tuple[str, Any]] = [("parameters", {"a": 1}), ("parameters.b", 2)]
    for order in (constants, constants[::-1]):
        body: dict[str, Any] = {}
        for path, value in [("queries", [{"type": "TEXT"}]), *order, query]:
            add(body, path, copy.deepcopy(value))
        assert body == {
            "queries": [{"type": "TEXT", "textQuery": {"text": "q"}}],
            "parameters": {"a": 1, "b": 2},
        }


@pytest.mark.parametrize(
    ("path", "reason"),
    [("text", "is set twice"), ("text.more", "leads through text"), ("list.key", "leads through a list"),
     ("object.0", "leads through an object"), ("object", "is set twice"), ("list", "is set twice")],
)  # fmt: skip
def test_no_value_is_overwritten(path: str, reason: str) -> None:
    """Two values of one place are an error, and so is a path through a value."""
    body = {"text": "t", "list": [1], "object": {"a": 1}}
    with pytest.raises(ValueError, match=reason):
        add(body, path, "other")
    assert body == {"text": "t", "list": [1], "object": {"a": 1}}


def test_a_value_can_be_replaced() -> None:
    """Where that is wanted: a dialect writes its own form over the common one."""
    body = {"a": [{"b": 1}]}
    put(body, "a.0.b", {"c": 2})
    assert body == {"a": [{"b": {"c": 2}}]}


def test_a_position_without_a_value_is_found() -> None:
    """A list with a second value and no first one cannot be sent; a first one can come later."""
    body: dict[str, Any] = {}
    put(body, "a.b.1.c", 1)
    assert first_gap(body) == "a.b.0"
    put(body, "a.b.0", 0)
    assert first_gap(body) is None
    assert body == {"a": {"b": [0, {"c": 1}]}}


@pytest.mark.parametrize("body", [None, 3, "text", [], {}, {"a": None}, {"a": "b"}, {"a": [1]}, [{"a": 1}]])
def test_a_missing_value_is_none(body: Any) -> None:
    """Whatever a reply is, a path that it does not have gives None."""
    assert dig(body, "a.1.b") is None


def test_the_keys_of_a_request_are_those_at_its_top() -> None:
    """Without positions, quotes and the mark of a list of queries."""
    shape = Shape(query="queries.*", documents='"a.b".c', top_n="parameters.top_n", return_documents=None)
    assert shape.request_keys() == {"model", "queries", "a.b", "parameters"}
