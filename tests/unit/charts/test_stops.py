"""Stops: what a reader can call up."""

from __future__ import annotations

from dataclasses import replace

from support.charts import chart, line

from evalkit.charts.chart import Bar, Bars, Line, Spot
from evalkit.charts.stops import MOST, stops_of


def test_a_stop_by_x_has_the_values_of_all_lines_there() -> None:
    """One stop for each x, with name, value and bounds of every line that has a value there."""
    found = stops_of(chart("c", line("one", 0, (0.123456789, None)), line("other", 1, (0.5, 0.75))))
    assert [stop.lines for stop in found] == [
        ("candidates: 1", "one: 0.123457 [0.0234568, 0.223457]", "other: 0.5 [0.4, 0.6]"),
        ("candidates: 2", "other: 0.75 [0.65, 0.85]"),
    ]
    assert [len(stop.places) for stop in found] == [2, 1]


def test_a_stop_by_spot_has_one_value() -> None:
    """One stop for each spot and each bar with its own text; what is marked as no stop is
    left out.
    """
    spots = (Spot(1, 0.5, text=("a", "b")), Spot(2, 0.5, stop=False))
    quiet = Line("quiet", "ink", (Spot(1, 0.1),), stops=False)
    bars = Bars((Bar(3, 4, 7, "good", text=("seven",)),))
    found = stops_of(replace(chart("c", Line("l", "ink", spots), quiet, bars), stops_by="spot"))
    assert [stop.lines for stop in found] == [("a", "b"), ("seven",)]


def test_a_long_line_has_a_bounded_number_of_stops() -> None:
    """Of thousands of values every so many are stops, so that a page stays small."""
    assert 0 < len(stops_of(chart("c", line("l", 0, (0.5,) * 5000)))) <= MOST
