"""Pareto's front of quality against latency."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalkit.report.tradeoffs import Point, mark_front
from evalkit.stats import Interval


def point(fast: int, good: int) -> Point:
    """Return a point of a small grid."""
    return Point("r", 10, Interval(good / 4, None, None, 1), Interval(fast / 4, None, None, 1))


points = st.lists(st.builds(point, st.integers(0, 8), st.integers(0, 8)), max_size=12)


@given(points=points)
def test_on_the_front_is_what_no_other_beats(points: list[Point]) -> None:
    """Everything off it is beaten, or equalled by an earlier one, in both; nothing on it is beaten in either."""
    marked = mark_front(points)
    assert [(one.value, one.mean) for one in marked] == [(one.value, one.mean) for one in points]
    front = [one for one in marked if one.on_front]
    for one in marked:
        place = (one.value, one.mean)
        beaten = [
            other
            for other in points
            if other.value <= one.value and other.mean >= one.mean and (other.value, other.mean) != place
        ]
        if one.on_front:
            assert not beaten
        else:
            assert beaten or any((f.value, f.mean) == place and f is not one for f in front)
