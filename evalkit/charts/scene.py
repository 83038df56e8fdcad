"""What a laid out chart consists of, in pixels; SVG and PNG are both written from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from evalkit.charts.chart import Dash
from evalkit.charts.palette import Shape
from evalkit.charts.text_size import BOLD

PathKind = Literal["grid", "axis", "rule", "line", "bar", "whisker", "cloud"]
TextKind = Literal["title", "axis-label", "tick", "name", "note"]


@dataclass(frozen=True, slots=True)
class Path:
    """A line through places; ``cloud`` is a dot at each of them."""

    kind: PathKind
    role: str
    places: tuple[tuple[float, float], ...]
    dash: Dash = "solid"


@dataclass(frozen=True, slots=True)
class Area:
    """A filled outline; `strength` is its opacity."""

    role: str
    places: tuple[tuple[float, float], ...]
    strength: float


@dataclass(frozen=True, slots=True)
class Marker:
    """A shape at one place; a hollow one is filled with the colour of the page."""

    role: str
    shape: Shape
    x: float
    y: float
    filled: bool = True


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; `full` is the whole of a shortened one, and `y` its baseline."""

    kind: TextKind
    role: str
    x: float
    y: float
    text: str
    anchor: Literal["start", "middle", "end"] = "start"
    full: str = ""


Item = Path | Area | Marker | Text


@dataclass(frozen=True, slots=True)
class StopPlace:
    """Where a stop is: the x of its guide, and the places of its values."""

    x: float
    ys: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """A laid out chart.

    Attributes
    ----------
    items
        In the order in which they are drawn.
    stops
        Places of the chart's stops, in their order.
    top, bottom
        Where the guide of a stop begins and ends.
    """

    width: float
    height: float
    items: tuple[Item, ...]
    stops: tuple[StopPlace, ...] = field(default=())
    top: float = 0.0
    bottom: float = 0.0


BOLD_KINDS = frozenset({"title", "name"})
"""Texts in bold type."""
SIZES: dict[TextKind, float] = {"title": 15.0, "axis-label": 12.0, "tick": 12.0, "name": 12.0, "note": 11.0}
"""Height of each kind of text in pixels."""


def room_of(kind: TextKind) -> float:
    """Return the size with which the width of a text is estimated: that of bold text is larger."""
    return SIZES[kind] * (BOLD if kind in BOLD_KINDS else 1.0)
