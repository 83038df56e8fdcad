"""Marks of a panel as items of a scene."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from evalkit.charts.chart import Bars, Line, Mark, Panel, Points, Rule, Spot, Zone
from evalkit.charts.frame import Frame, Place, both_known
from evalkit.charts.palette import shape_of
from evalkit.charts.scene import SIZES, Area, Item, Marker, Path, Text
from evalkit.charts.text_size import text_width

_NEXT_TO, _ALL_NEXT_TO = 4.0, 16.0
"""Pixels between the intervals of two lines at one x, and at most between the first and the last of all lines."""
_ZONE = 0.14
_BAND, _ONE_OF_MANY = 0.17, 0.1
"""Opacity of a band, and of one of three bands or more."""


def draw_marks(panel: Panel, frame: Frame) -> list[Item]:
    """Return the items of a panel's marks, those in the background first."""
    order: tuple[type[Mark], ...] = (Zone, Rule, Bars, Line, Points)
    marks = sorted(panel.marks, key=lambda mark: order.index(type(mark)))
    with_bars = [mark for mark in marks if isinstance(mark, Line) and mark.bounds == "bars"]
    bands = sum(isinstance(mark, Line) and mark.bounds == "band" for mark in marks)
    strength = _ONE_OF_MANY if bands > 2 else _BAND
    items: list[Item] = [
        item for mark in marks if isinstance(mark, Line) for item in _band(mark, frame, strength)
    ]
    step = min(_NEXT_TO, _ALL_NEXT_TO / max(len(with_bars) - 1, 1))
    for mark in marks:
        shift = 0.0
        if mark in with_bars:
            shift = (with_bars.index(mark) - (len(with_bars) - 1) / 2) * step
        items += _draw(mark, frame, shift)
    return items


def _draw(mark: Mark, frame: Frame, shift: float) -> Iterator[Item]:
    if isinstance(mark, Zone):
        yield _zone(mark, frame)
    elif isinstance(mark, Rule):
        yield _rule(mark, frame)
    elif isinstance(mark, Bars):
        yield from _bars(mark, frame)
    elif isinstance(mark, Line):
        yield from _line(mark, frame, shift)
    elif mark.tiny:
        places = tuple(frame.at(spot.x, spot.y or 0.0) for spot in mark.spots if spot.is_known)
        yield Path("cloud", mark.role, places)
    else:
        yield from _spots(mark.spots, mark.role, frame, 0.0, whiskers=True)


def _zone(zone: Zone, frame: Frame) -> Area:
    if zone.along == "x":
        left, right, top, bottom = frame.x_of(zone.low), frame.x_of(zone.high), frame.top, frame.bottom
    else:
        left, right, top, bottom = frame.left, frame.right, frame.y_of(zone.high), frame.y_of(zone.low)
    return Area(zone.role, ((left, top), (right, top), (right, bottom), (left, bottom)), _ZONE)


def _rule(rule: Rule, frame: Frame) -> Path:
    if rule.along == "x":
        x = frame.x_of(rule.at)
        return Path("rule", rule.role, ((x, frame.top), (x, frame.bottom)), rule.dash)
    y = frame.y_of(rule.at)
    return Path("rule", rule.role, ((frame.left, y), (frame.right, y)), rule.dash)


def _bars(mark: Bars, frame: Frame) -> Iterator[Item]:
    for bar in mark.bars:
        left, right = frame.x_of(bar.left) + 1, frame.x_of(bar.right) - 1
        top = frame.y_of(bar.value)
        if bar.value > 0:
            yield Area(
                bar.role, ((left, top), (right, top), (right, frame.bottom), (left, frame.bottom)), 1.0
            )
        if bar.label and text_width(bar.label, SIZES["note"]) <= right - left + 8:
            yield Text("note", "ink", (left + right) / 2, top - 4, bar.label, "middle")


def _line(line: Line, frame: Frame, shift: float) -> Iterator[Item]:
    for part in known_parts(line.spots):
        places = [(frame.x_of(spot.x) + shift, frame.y_of(spot.y or 0.0)) for spot in part]
        if line.step:
            places = _steps(places)
        if len(places) > 1:
            yield Path("line", line.role, tuple(places), line.dash)
    if line.dots or line.bounds == "bars":
        yield from _spots(line.spots, line.role, frame, shift, whiskers=line.bounds == "bars")


def _steps(places: Sequence[Place]) -> list[Place]:
    """Return places with a horizontal line to the x of the next one before each step."""
    stepped = [places[0]]
    for before, after in pairwise(places):
        stepped += [(after[0], before[1]), after]
    return stepped


def _spots(spots: Sequence[Spot], role: str, frame: Frame, shift: float, *, whiskers: bool) -> Iterator[Item]:
    """Yield the intervals of spots, and their markers over them."""
    seen = [spot for spot in spots if spot.is_known]
    if whiskers:
        for spot in seen:
            yield from _whiskers(spot, role, frame, shift)
    for spot in seen:
        x, y = frame.at(spot.x, spot.y or 0.0)
        yield Marker(role, shape_of(role), x + shift, y, spot.filled)


def _whiskers(spot: Spot, role: str, frame: Frame, shift: float) -> Iterator[Item]:
    x, y = frame.at(spot.x, spot.y or 0.0)
    upright, level = both_known(spot.low, spot.high), both_known(spot.left, spot.right)
    if upright:
        yield Path("whisker", role, tuple((x + shift, frame.y_of(value)) for value in upright))
    if level:
        yield Path("whisker", role, tuple((frame.x_of(value) + shift, y) for value in level))


def _band(line: Line, frame: Frame, strength: float) -> Iterator[Item]:
    """Yield the area between the bounds of a line, one for each part without gaps."""
    if line.bounds != "band":
        return
    bounded = [
        spot if spot.is_known and both_known(spot.low, spot.high) else Spot(spot.x, None)
        for spot in line.spots
    ]
    for part in known_parts(bounded):
        lower = [frame.at(spot.x, spot.low or 0.0) for spot in part]
        upper = [frame.at(spot.x, spot.high or 0.0) for spot in part]
        if line.step:
            lower, upper = _steps(lower), _steps(upper)
        if len(part) > 1:
            yield Area(line.role, (*upper, *reversed(lower)), strength)


def known_parts(spots: Sequence[Spot]) -> list[list[Spot]]:
    """Return the runs of known spots between gaps."""
    parts: list[list[Spot]] = [[]]
    for spot in spots:
        if spot.is_known:
            parts[-1].append(spot)
        elif parts[-1]:
            parts.append([])
    return [part for part in parts if part]
