"""The records of a chart: what is drawn, in units of the data and with roles instead of colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

ScaleKind = Literal["linear", "log", "category"]
Form = Literal["number", "signed", "percent"]
Direction = Literal["x", "y"]
"""``x``: at a value of the x axis, so that a rule is vertical."""
Dash = Literal["solid", "dashed", "dotted"]

NARROW = 420
"""Width in pixels below which the names of a chart are always above the plot."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis with its text."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis.

    Attributes
    ----------
    label
        What the axis shows, with its unit in parentheses.
    scale
        ``category`` has its names in `ticks`, at 0, 1, ...; on a y axis the first is on top.
    low, high
        Fixed limits; None for limits that fit the data.
    zero
        Whether 0 is always inside.
    form
        Format of numbers.
    unit
        What follows a value in the text of a stop, such as `` ms``.
    ticks
        Places to label; empty for round numbers.
    """

    label: str
    scale: ScaleKind = "linear"
    low: float | None = None
    high: float | None = None
    zero: bool = False
    form: Form = "number"
    unit: str = ""
    ticks: tuple[Tick, ...] = ()


@dataclass(frozen=True, slots=True)
class Spot:
    """A point with its bounds.

    Attributes
    ----------
    x, y
        Its place; None or NaN is a gap.
    low, high, left, right
        Bounds of y and of x.
    filled
        Whether its marker is filled.
    label
        A short text next to it.
    text
        Lines of its stop; empty for the name of the mark with the value.
    stop
        Whether a reader can call up its values.
    """

    x: float
    y: float | None
    low: float | None = None
    high: float | None = None
    left: float | None = None
    right: float | None = None
    filled: bool = True
    label: str = ""
    text: tuple[str, ...] = ()
    stop: bool = True

    @property
    def is_known(self) -> bool:
        """Whether it has a place."""
        return known(self.x) and known(self.y)


@dataclass(frozen=True, slots=True)
class Line:
    """A line through spots.

    Attributes
    ----------
    bounds
        How the intervals of y are drawn.
    dots
        Whether each spot has a marker.
    named
        Whether its name is shown: at its end, or above the plot.
    stops
        Whether its values are shown on hover.
    """

    name: str
    role: str
    spots: tuple[Spot, ...]
    dash: Dash = "solid"
    step: bool = False
    bounds: Literal["none", "band", "bars"] = "none"
    dots: bool = False
    named: bool = True
    stops: bool = True


@dataclass(frozen=True, slots=True)
class Points:
    """Spots without a line; `tiny` for a cloud of many of them."""

    name: str
    role: str
    spots: tuple[Spot, ...]
    named: bool = True
    tiny: bool = False
    stops: bool = True


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from 0 to `value` between two places on the x axis, with a text above it."""

    left: float
    right: float
    value: float
    role: str
    label: str = ""
    text: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars next to each other."""

    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A reference line across the plot; horizontal ones are named like lines."""

    at: float
    along: Direction
    label: str = ""
    role: str = "muted"
    dash: Dash = "solid"


@dataclass(frozen=True, slots=True)
class Zone:
    """A shaded range of one axis."""

    low: float
    high: float
    along: Direction
    role: str = "muted"


Mark = Line | Points | Bars | Rule | Zone


@dataclass(frozen=True, slots=True)
class Panel:
    """A plot with a y axis of its own; `share` is its part of the chart's height."""

    y: Axis
    marks: tuple[Mark, ...]
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: panels above each other that share the x axis.

    Attributes
    ----------
    name
        Name of its files without ending.
    caption
        What is drawn and how to read it.
    rows
        The data, for a CSV file.
    summary
        One sentence for readers who do not see it.
    names
        Where names of lines are: at their right ends, or always above the plot.
    stops_by
        ``x``: hovering shows all values at one x; ``spot``: those of one spot.
    folded
        Whether it is for those who look into the details.
    """

    name: str
    title: str
    caption: str
    x: Axis
    panels: tuple[Panel, ...]
    rows: tuple[Mapping[str, Any], ...] = ()
    summary: str = ""
    names: Literal["ends", "above"] = "ends"
    stops_by: Literal["x", "spot"] = "x"
    folded: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it shows no spot and no bar."""
        return not any(_shows(mark) for panel in self.panels for mark in panel.marks)


def known(value: float | None) -> bool:
    """Return whether a value is a finite number."""
    return value is not None and isfinite(value)


def spots_of(marks: Sequence[Mark]) -> Iterator[Spot]:
    """Yield the known spots of lines and points."""
    for mark in marks:
        if isinstance(mark, Line | Points):
            yield from (spot for spot in mark.spots if spot.is_known)


def _shows(mark: Mark) -> bool:
    if isinstance(mark, Bars):
        return bool(mark.bars)
    return isinstance(mark, Line | Points) and any(spot.is_known for spot in mark.spots)
