"""The area of one panel, and places in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evalkit.charts.chart import Bars, Chart, Line, Mark, Panel, Points, Rule, Zone, known
from evalkit.charts.scales import Span, span_of

Place = tuple[float, float]
X_PADDING = 0.03


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle in pixels with the ranges that it shows."""

    left: float
    top: float
    width: float
    height: float
    x: Span
    y: Span

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height

    def x_of(self, value: float) -> float:
        """Return the pixel of an x."""
        return self.left + self.width * self.x.share(value)

    def y_of(self, value: float) -> float:
        """Return the pixel of a y; the first category is on top."""
        share = self.y.share(value)
        return self.top + self.height * (share if self.y.scale == "category" else 1 - share)

    def at(self, x: float, y: float) -> Place:
        """Return the place of a point."""
        return self.x_of(x), self.y_of(y)


def x_span(chart: Chart) -> Span:
    """Return the range of the x axis that all panels share."""
    values = [value for panel in chart.panels for mark in panel.marks for value in _xs(mark)]
    has_bars = any(isinstance(mark, Bars) for panel in chart.panels for mark in panel.marks)
    return span_of(chart.x, values, padding=0.0 if has_bars else X_PADDING)


def y_span(panel: Panel) -> Span:
    """Return the range of a panel's y axis; bars begin at its lower end."""
    span = span_of(panel.y, [value for mark in panel.marks for value in _ys(mark)])
    if any(isinstance(mark, Bars) for mark in panel.marks):
        return Span(span.scale, 0.0, max(span.high, 1e-12))
    return span


def _xs(mark: Mark) -> Iterator[float | None]:
    if isinstance(mark, Bars):
        yield from (edge for bar in mark.bars for edge in (bar.left, bar.right))
    elif isinstance(mark, Rule):
        yield from [mark.at] if mark.along == "x" else []
    elif isinstance(mark, Zone):
        yield from (mark.low, mark.high) if mark.along == "x" else ()
    else:
        for spot in mark.spots:
            yield from (spot.x, spot.left, spot.right) if spot.is_known else ()


def _ys(mark: Mark) -> Iterator[float | None]:
    if isinstance(mark, Bars):
        yield from (bar.value for bar in mark.bars)
    elif isinstance(mark, Rule):
        yield from [mark.at] if mark.along == "y" else []
    elif isinstance(mark, Zone):
        yield from (mark.low, mark.high) if mark.along == "y" else ()
    else:
        for spot in mark.spots:
            yield from (spot.y, spot.low, spot.high) if spot.is_known else ()


def last_known(mark: Line | Points) -> Place | None:
    """Return x and y of the last known spot; None without one."""
    return next(((spot.x, spot.y or 0.0) for spot in reversed(mark.spots) if spot.is_known), None)


def overlaps(one: Sequence[float], other: Sequence[float]) -> bool:
    """Return whether two boxes, each left, top, right and bottom, have an area in common."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def both_known(low: float | None, high: float | None) -> tuple[float, float] | None:
    """Return two bounds; None where one is unknown."""
    if low is None or high is None or not (known(low) and known(high)):
        return None
    return low, high
