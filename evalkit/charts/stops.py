"""Stops: the places of a chart whose values a reader can call up, by pointer or by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from evalkit.charts.chart import Axis, Bars, Chart, Line, Mark, Panel, Points, Rule, Spot, Zone, known

MOST = 150
"""Stops of one chart; of more, every so many are kept."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop.

    Attributes
    ----------
    lines
        Its text.
    places
        Panel, x and y of each value.
    """

    lines: tuple[str, ...]
    places: tuple[tuple[int, float, float], ...]


def stops_of(chart: Chart) -> list[Stop]:
    """Return the stops of a chart, ordered by x."""
    found = list(_by_x(chart)) if chart.stops_by == "x" else list(_by_spot(chart))
    found.sort(key=lambda stop: stop.places[0][1:])
    return found[:: ceil(len(found) / MOST)] if found else []


def full_number(value: float | None, unit: str = "") -> str:
    """Return a number with six significant digits and its unit."""
    return "unknown" if value is None or not known(value) else f"{value:.6g}{unit}"


def _by_spot(chart: Chart) -> Iterator[Stop]:
    for place, panel in enumerate(chart.panels):
        for mark in panel.marks:
            yield from _stops_of_mark(chart, place, panel, mark)


def _stops_of_mark(chart: Chart, place: int, panel: Panel, mark: Mark) -> Iterator[Stop]:
    if isinstance(mark, Bars):
        for bar in mark.bars:
            yield Stop(bar.text or (bar.label,), ((place, (bar.left + bar.right) / 2, bar.value),))
    elif isinstance(mark, Line | Points) and mark.stops:
        for spot in mark.spots:
            if spot.y is not None and spot.is_known and spot.stop:
                lines = spot.text or (_x_text(chart.x, spot.x), _value_text(mark.name, spot, panel.y))
                yield Stop(lines, ((place, spot.x, spot.y),))


def _by_x(chart: Chart) -> Iterator[Stop]:
    """Yield one stop for every x, with the values of all lines there."""
    lines: dict[float, list[str]] = {}
    places: dict[float, list[tuple[int, float, float]]] = {}
    for place, panel in enumerate(chart.panels):
        for mark in panel.marks:
            if isinstance(mark, Rule | Zone | Bars) or not mark.stops:
                continue
            for spot in mark.spots:
                if spot.y is not None and spot.is_known and spot.stop:
                    lines.setdefault(spot.x, []).extend(spot.text or (_value_text(mark.name, spot, panel.y),))
                    places.setdefault(spot.x, []).append((place, spot.x, spot.y))
    for x, text in lines.items():
        yield Stop((_x_text(chart.x, x), *text), tuple(places[x]))


def _x_text(axis: Axis, x: float) -> str:
    name = axis.label.partition(" (")[0]
    return f"{name}: {full_number(x, axis.unit)}"


def _value_text(name: str, spot: Spot, axis: Axis) -> str:
    value = full_number(spot.y, axis.unit)
    if not known(spot.low) or not known(spot.high):
        return f"{name}: {value}"
    return f"{name}: {value} [{full_number(spot.low)}, {full_number(spot.high)}]"
