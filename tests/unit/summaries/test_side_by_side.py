"""Work on several systems at the same time."""

from __future__ import annotations

import pytest

from evalkit.summaries.side_by_side import side_by_side


def test_values_are_in_the_order_of_their_tasks() -> None:
    """Whichever task is done first: the first ones have more to do."""
    tasks = [200_000, 100_000, 1_000, 10, 1, 0]
    assert side_by_side(lambda size: sum(range(size)), tasks) == [size * (size - 1) // 2 for size in tasks]
    assert side_by_side(len, ()) == []


def test_the_first_error_is_raised() -> None:
    """An error of one task is an error of all."""
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda number: 1 / number, [1, 0, 2])
