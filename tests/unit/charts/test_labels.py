"""Labels that are pushed apart."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.charts.labels import spread_apart

PLACES = st.lists(st.floats(0, 200), max_size=8)


@given(places=PLACES)
def test_labels_keep_their_order_and_their_distance(places: list[float]) -> None:
    """Neighbours are apart, in the order of their lines' ends, and inside the limits where they fit."""
    moved = spread_apart(places, 16, 0, 200)
    for (before, after), (low, high) in itertools.combinations(zip(places, moved, strict=True), 2):
        assert abs(after - high) >= 16 - 1e-9
        assert (before - low) * (after - high) >= 0
    assert all(-1e-9 <= place <= 200 + 1e-9 for place in moved)


@given(places=st.lists(st.floats(80, 120), min_size=1, max_size=4))
def test_labels_stay_where_they_were_as_a_group(places: list[float]) -> None:
    """Away from the limits the mean of the places does not move."""
    moved = spread_apart(places, 16, 0, 200)
    assert sum(moved) == pytest.approx(sum(places))
