"""Pareto's front of quality against latency."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalkit.report.tradeoffs import mark_front

points = st.lists(
    st.builds(lambda fast, good: {"p50_s": fast / 4, "mean": good / 4}, st.integers(0, 8), st.integers(0, 8)),
    max_size=12,
)


@given(points=points)
def test_on_the_front_is_what_no_other_beats(points: list[dict[str, float]]) -> None:
    """Everything off it is beaten, or equalled by an earlier one, in both; nothing on it is beaten in either."""
    marked = mark_front(points, "p50_s")
    assert sorted((p["p50_s"], p["mean"]) for p in marked) == sorted((p["p50_s"], p["mean"]) for p in points)
    front = [one for one in marked if one["on_front"]]
    for one in marked:
        beaten = [
            other
            for other in points
            if other["p50_s"] <= one["p50_s"]
            and other["mean"] >= one["mean"]
            and (other["p50_s"], other["mean"]) != (one["p50_s"], one["mean"])
        ]
        if one["on_front"]:
            assert not beaten
        else:
            assert beaten or any(
                (f["p50_s"], f["mean"]) == (one["p50_s"], one["mean"]) and f is not one for f in front
            )
