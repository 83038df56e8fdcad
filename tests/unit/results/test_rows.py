"""Rows of a table as numpy columns."""

from __future__ import annotations

import numpy as np

from evalkit.results.rows import Rows

ROWS = Rows({
    "tag": np.array(["b", "a", "b", None], dtype=object),
    "round": np.array([1.0, np.nan, 1.0, np.nan]),
    "size": np.array([1, 2, 3, 4]),
})  # fmt: skip


def test_groups_are_in_the_order_of_their_first_rows() -> None:
    """Missing texts and numbers are None and form groups of their own."""
    found = {key: part["size"].tolist() for key, part in ROWS.groups(("tag", "round"))}
    assert list(found.items()) == [(("b", 1.0), [1, 3]), (("a", None), [2]), ((None, None), [4])]


def test_known_values_are_those_that_are_neither_none_nor_nan() -> None:
    """Integers are all known."""
    assert [ROWS.known(name).sum() for name in ("tag", "round", "size")] == [3, 2, 4]
    assert ROWS.values_of("tag").tolist() == ["b", "a", "b"]


def test_rows_are_chosen_by_a_text_a_condition_or_their_numbers() -> None:
    """Every column keeps the chosen rows; rows by their numbers are in that order."""
    assert ROWS.where("tag", "b")["size"].tolist() == [1, 3]
    assert ROWS.take(ROWS["size"] > 2)["tag"].tolist() == ["b", None]
    assert ROWS.take(np.array([3, 0]))["size"].tolist() == [4, 1]
    assert len(ROWS.where("tag", "c")) == 0
    assert list(ROWS.where("tag", "c").groups(("tag",))) == []
