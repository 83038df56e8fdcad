"""Records as JSON: keys, order, and errors that name the key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest

from evalkit.errors import InputError
from evalkit.results.json_shapes import (
    Inline,
    JsonObject,
    Key,
    Mean,
    from_plain,
    read_json,
    to_json,
    to_plain,
)
from evalkit.stats import Interval

FILE = Path("some.json")


@dataclass(frozen=True, slots=True)
class Spread:
    """A record whose fields are written among those of its owner."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row(JsonObject):
    """A record with every kind of mark."""

    name: str
    mean: Annotated[Interval, Inline.interval("mean")]
    pass_: Annotated[str, Key("pass")]
    nested: Mean | None
    spread: Annotated[Spread, Inline.all_of(Spread)]
    fewest: Annotated[int | None, Key(omit_none=True)] = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records of one type."""

    first: Row
    second: Row


def row(**changes: Any) -> Row:
    """Return a record."""
    fields: dict[str, Any] = {
        "name": "a", "mean": Interval(0.5, 0.4, None, 3), "pass_": "quality", "nested": Interval(1.0, None, 2.0, 4),
        "spread": Spread(0.0, 1.0),
    }  # fmt: skip
    return Row(**fields | changes)


def test_marked_fields_have_their_own_keys_in_order() -> None:
    """An interval and a record are written among the keys of their owner, at their place; None may be left out."""
    plain = to_plain(row())
    assert list(plain.items()) == [
        ("name", "a"), ("mean", 0.5), ("lower", 0.4), ("upper", None), ("n", 3), ("pass", "quality"),
        ("nested", {"mean": 1.0, "lower": None, "upper": 2.0, "n": 4}), ("low", 0.0), ("high", 1.0),
    ]  # fmt: skip
    assert to_plain(row(fewest=7))["fewest"] == 7


@pytest.mark.parametrize(
    "record", [row(), row(nested=None, fewest=2), row(mean=Interval(None, None, None, 0))]
)
def test_what_is_written_is_read_again(record: Row) -> None:
    """Every type of the record is wrapped, wherever it is used, and how often."""
    assert from_plain(Row, to_plain(record), FILE, "") == record
    pair = Pair(record, row())
    assert from_plain(Pair, to_plain(pair), FILE, "") == pair


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("first", "mean"), "high", "first.mean: input should be a valid number"),
        (("second", "n"), None, "second.n: input should be a valid integer"),
        (("second", "nested"), {"mean": 1.0}, "second.nested.lower: field required"),
        (("first",), [], "first: input should be a JSON object"),
        (("first", "n"), True, "first.n: input should be a valid integer"),
        (("first", "n"), "3", "first.n: input should be a valid integer"),
        (("first", "name"), 3, "first.name: input should be a valid string"),
        (("first", "mean"), True, "first.mean: input should be a valid number"),
        (("first", "n"), 2**63, "first.n: an integer must be in the range of 64 bits"),
        (("second", "low"), float("inf"), "second.low: the number inf is not finite"),
    ],
)
def test_a_damaged_record_names_file_and_key(path: tuple[str, ...], value: object, message: str) -> None:
    """The error names the path of the first key that is wrong, and says what to do."""
    plain = to_plain(Pair(row(), row()))
    place = plain
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(InputError) as caught:
        from_plain(Pair, plain, FILE, "rebuild it")
    assert str(FILE.resolve()) in caught.value.message
    assert message in caught.value.message
    assert caught.value.hint == "rebuild it"


def test_a_missing_key_is_named() -> None:
    """A key that is not there is an error, unless the record has a default for it."""
    plain = to_plain(row())
    del plain["pass"]
    with pytest.raises(InputError, match="pass_: field required"):
        from_plain(Row, plain, FILE, "")


def test_a_file_that_is_missing_or_no_json_is_an_input_error(tmp_path: Path) -> None:
    """Both name the file."""
    with pytest.raises(InputError, match="file not found"):
        read_json(tmp_path / "none.json")
    broken = tmp_path / "broken.json"
    broken.write_bytes(to_json({"a": 1})[:-3])
    with pytest.raises(InputError, match=r"broken\.json is damaged"):
        read_json(broken)
