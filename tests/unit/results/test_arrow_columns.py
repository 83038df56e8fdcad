"""Columns between Arrow and numpy: the same as Arrow's own conversions, which import pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from evalkit.results.arrow_columns import changes, codes_of, repeated, scalar, to_arrow, to_numpy

COLUMNS: tuple[tuple[str, list[Any]], ...] = (
    ("string", ["a", None, "", "\u00e9\U0001f600"]),
    ("string", ["a", "b"]),
    ("int32", [1, None, -3]),
    ("int64", [2**53 + 1, None, 0]),
    ("float64", [0.1, float("nan"), None, -0.0]),
    ("bool_", [True, None, False]),
    ("bool_", [True] * 9 + [False]),
    ("float64", [None] + [0.5] * 60_000),
    *((kind, []) for kind in ("string", "int64", "float64", "bool_")),
)


@pytest.mark.parametrize(("kind", "values"), COLUMNS)
def test_an_array_is_that_of_arrow(kind: str, values: list[Any]) -> None:
    """None and NaN are missing; also in arrays of objects."""
    arrow_kind = getattr(pa, kind)()
    expected = pa.array(values, type=arrow_kind, from_pandas=True)
    for given in (values, tuple(values), np.array(values, dtype=object)):
        found = to_arrow(given, arrow_kind)
        found.validate(full=True)
        assert found.equals(expected)
        assert found.null_count == expected.null_count


def test_what_a_kind_cannot_hold_is_an_error() -> None:
    """No part of a number is dropped, and no half of a surrogate pair is written."""
    with pytest.raises(ValueError, match="int64"):
        to_arrow([1.5], pa.int64())
    with pytest.raises(UnicodeEncodeError):
        to_arrow(["\ud800"], pa.string())


@pytest.mark.parametrize(("kind", "values"), COLUMNS)
def test_values_are_repeated_as_many_times_as_their_counts(kind: str, values: list[Any]) -> None:
    """Missing ones, too; a count may be 0."""
    counts = [place % 3 for place in range(len(values))]
    listed = [value for value, count in zip(values, counts, strict=True) for _ in range(count)]
    expected = pa.array(listed, getattr(pa, kind)(), from_pandas=True)
    found = repeated(values, counts, kind)
    assert found.equals(expected)
    assert to_arrow(found, found.type) is found


@pytest.mark.parametrize(("kind", "values"), COLUMNS)
def test_a_row_changes_where_it_differs_from_the_one_before(kind: str, values: list[Any]) -> None:
    """Each value repeated is one change; missing values are equal to each other. Parts make no difference."""
    twice = pa.array([value for value in values for _ in range(2)], getattr(pa, kind)(), from_pandas=True)
    one = pa.chunked_array([twice[:1], twice[1:]])
    column = one.dictionary_encode() if kind == "string" else one
    listed = twice.to_pylist()
    expected = [place == 0 or value != listed[place - 1] for place, value in enumerate(listed)]
    assert changes(column).tolist() == expected


def test_columns_are_read_in_parts_and_slices() -> None:
    """A missing number is NaN, a missing text None; complete columns keep their type."""
    whole = pa.chunked_array([pa.array([1, 2, 3])[1:], pa.array([4])])
    assert to_numpy(whole).tolist() == [2, 3, 4]
    assert to_numpy(whole).dtype == np.int64
    gaps = pa.chunked_array([pa.array([1, None, 3])[1:], pa.array([4])])
    assert np.array_equal(to_numpy(gaps), [np.nan, 3, 4], equal_nan=True)
    flags = pa.chunked_array([pa.array([None, True, False])])
    assert np.array_equal(to_numpy(flags), [np.nan, 1, 0], equal_nan=True)
    assert to_numpy(flags.slice(1)).tolist() == [True, False]
    texts = pa.chunked_array(
        [
            pa.array(["a", "b", None]).dictionary_encode()[1:],
            pa.array(["c", "b"]).dictionary_encode(),
        ]
    )
    assert to_numpy(texts).tolist() == ["b", None, "c", "b"]
    assert len(to_numpy(pa.chunked_array([], pa.float64()))) == 0
    assert to_numpy(pa.chunked_array([pa.nulls(2, pa.int64())])).dtype == np.float64


def test_codes_have_one_number_for_each_value() -> None:
    """All missing ones have the same number."""
    for column in (
        pa.chunked_array([pa.array(["b", None, "a", "b", None]).dictionary_encode()]),
        pa.chunked_array([pa.array([7, None, 5, 7, None])]),
    ):
        codes, values = codes_of(column)
        assert [values[code] for code in codes] == column.to_pylist()
        assert len(set(codes.tolist())) == 3


def test_a_scalar_has_its_kind() -> None:
    """As in Arrow."""
    assert scalar(3, pa.int32()) == pa.scalar(3, pa.int32())
    assert scalar(3, pa.float64()) == pa.scalar(3.0)
