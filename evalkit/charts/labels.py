"""Names and notes of a chart, placed so that none overlaps another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from evalkit.charts.chart import Bars, Chart, Dash, Line, Panel, Points, Rule, spots_of
from evalkit.charts.frame import Frame, both_known, last_known, overlaps, x_span
from evalkit.charts.palette import Shape, shape_of
from evalkit.charts.scene import SIZES, Item, Marker, Path, Text, room_of
from evalkit.charts.text_size import shorten, text_width

NAME_HEIGHT = 16.0
"""Least distance of two names that are above each other."""
ROW = 18.0
"""Height of a row of names above the plot."""
_SWATCH = 22.0
_NEAR_END = 0.04


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a mark, as a legend shows it."""

    text: str
    role: str
    dash: Dash | None
    shape: Shape | None


def names_of(chart: Chart) -> list[Name]:
    """Return the names of all marks, each once."""
    found: dict[tuple[str, str], Name] = {}
    for panel in chart.panels:
        for mark in panel.marks:
            if isinstance(mark, Line | Points) and last_known(mark) is None:
                continue
            if isinstance(mark, Line) and mark.named and mark.name:
                shape = shape_of(mark.role) if mark.dots or mark.bounds == "bars" else None
                found.setdefault((mark.name, mark.role), Name(mark.name, mark.role, mark.dash, shape))
            elif isinstance(mark, Points) and mark.named and mark.name:
                name = Name(mark.name, mark.role, None, shape_of(mark.role))
                found.setdefault((mark.name, mark.role), name)
            elif isinstance(mark, Rule) and mark.label and mark.along == "y":
                found.setdefault((mark.label, mark.role), Name(mark.label, mark.role, mark.dash, None))
    return list(found.values())


def fit_at_ends(chart: Chart, heights: Sequence[float]) -> bool:
    """Return whether names can be at the ends of lines: all end at the right, and there is room for all."""
    span = x_span(chart)
    last = max((span.share(spot.x) for panel in chart.panels for spot in spots_of(panel.marks)), default=1.0)
    for panel, height in zip(chart.panels, heights, strict=True):
        lines = [mark for mark in panel.marks if isinstance(mark, Line) and mark.named]
        ends = [end for line in lines if (end := last_known(line)) is not None]
        if any(isinstance(mark, Points) and mark.named for mark in panel.marks):
            return False
        if any(span.share(x) < last - _NEAR_END for x, _ in ends):
            return False
        if (len(ends) + 1) * NAME_HEIGHT > height:
            return False
    return chart.names == "ends"


def end_names(panel: Panel, frame: Frame, room: float) -> list[Item]:
    """Return the names of lines and horizontal rules, each at the height where its line ends."""
    ends: list[tuple[float, str, str]] = []
    for mark in panel.marks:
        if isinstance(mark, Line) and mark.named and (end := last_known(mark)) is not None:
            ends.append((frame.y_of(end[1]), mark.name, mark.role))
        elif isinstance(mark, Rule) and mark.label and mark.along == "y":
            ends.append((frame.y_of(mark.at), mark.label, mark.role))
    heights = spread_apart([y for y, *_ in ends], NAME_HEIGHT, frame.top, frame.bottom)
    size = room_of("name")
    return [
        Text("name", role, frame.right + 8, y + 4, shorten(name, size, room - 8), full=name)
        for (_, name, role), y in zip(ends, heights, strict=True)
    ]


def spread_apart(places: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """Return places in the same order with at least `least` between neighbours, within the limits if they fit."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = list(places)
    for before, after in pairwise(order):
        moved[after] = max(moved[after], moved[before] + least)
    shift = (sum(moved) - sum(places)) / max(len(places), 1)
    moved = [place - shift for place in moved]
    for limit, later in ((high, reversed(order)), (low, iter(order))):
        edge = limit
        for index in later:
            bound = min if limit == high else max
            moved[index] = bound(moved[index], edge)
            edge = moved[index] - least if limit == high else moved[index] + least
    return moved


def legend(names: Sequence[Name], left: float, top: float, width: float) -> tuple[list[Item], float]:
    """Return the names in rows above the plot, and their height."""
    items: list[Item] = []
    x, row, size = left, 0, room_of("name")
    for name in names:
        text = shorten(name.text, size, width - _SWATCH)
        needed = _SWATCH + text_width(text, size) + 14
        if x > left and x + needed - 14 > left + width:
            x, row = left, row + 1
        y = top + row * ROW + ROW / 2
        items += _swatch(name, x, y)
        items.append(Text("name", name.role, x + _SWATCH, y + 4, text, full=name.text))
        x += needed
    return items, (row + 1) * ROW if names else 0.0


def _swatch(name: Name, x: float, y: float) -> Iterator[Item]:
    if name.dash is not None:
        yield Path("line", name.role, ((x, y), (x + 16, y)), name.dash)
    if name.shape is not None:
        yield Marker(name.role, name.shape, x + 8, y)


def rule_labels(chart: Chart, frame: Frame, edges: tuple[float, float]) -> tuple[list[Text], float]:
    """Return the labels of vertical rules, in rows that end at the frame's top, and the height of these rows.

    Parameters
    ----------
    chart
        The chart; labels of all panels are over the first one.
    frame
        The first panel's frame.
    edges
        The leftmost and the rightmost pixel that a label may take.
    """
    size = SIZES["note"]
    rules = {
        (mark.at, mark.label): mark
        for panel in chart.panels
        for mark in panel.marks
        if isinstance(mark, Rule) and mark.along == "x" and mark.label
    }
    rows: list[float] = []
    placed: list[tuple[float, int, Rule, str]] = []
    for mark in sorted(rules.values(), key=lambda rule: rule.at):
        text = shorten(mark.label, size, edges[1] - edges[0])
        width = text_width(text, size)
        start = min(max(frame.x_of(mark.at) - width / 2, edges[0]), edges[1] - width)
        row = next((place for place, end in enumerate(rows) if end + 8 <= start), len(rows))
        rows[row : row + 1] = [start + width]
        placed.append((start, row, mark, text))
    labels = [
        Text("note", mark.role, start, frame.top - 5 - 15 * row, text, full=mark.label)
        for start, row, mark, text in placed
    ]
    return labels, 15.0 * len(rows) + (3.0 if rows else 0.0)


def notes(panel: Panel, frame: Frame) -> list[Text]:
    """Return the labels of spots, each where it hides least; one without a free place is left out."""
    labelled = [spot for spot in spots_of(panel.marks) if spot.label]
    taken: list[tuple[float, ...]] = []
    crowd = list(_crowd(panel, frame)) if labelled else []
    found: list[Text] = []
    for spot in labelled:
        at = frame.at(spot.x, spot.y or 0.0)
        free = [
            (sum(overlaps(box, one) for one in crowd), place, box)
            for place, box in enumerate(_candidates(at, spot.label))
            if _inside(box, frame) and not any(overlaps(box, one) for one in taken)
        ]
        if free:
            *_, box = min(free)
            taken.append(box)
            found.append(Text("note", "ink", box[0], box[3] - 3, spot.label))
    return found


def _candidates(at: tuple[float, float], text: str) -> Iterator[tuple[float, ...]]:
    """Yield boxes around a place: above, below, right, left, and at the corners."""
    x, y = at
    width, height = text_width(text, SIZES["note"]), 13.0
    lefts = {"middle": x - width / 2, "right": x + 8, "left": x - 8 - width}
    tops = {"above": y - 8 - height, "below": y + 8, "level": y - height / 2}
    for left, top in (
        ("middle", "above"), ("middle", "below"), ("right", "level"), ("left", "level"),
        ("right", "above"), ("right", "below"), ("left", "above"), ("left", "below"),
    ):  # fmt: skip
        yield lefts[left], tops[top], lefts[left] + width, tops[top] + height


def _inside(box: Sequence[float], frame: Frame) -> bool:
    return (
        box[0] >= frame.left
        and box[2] <= frame.right
        and box[1] >= frame.top - 4
        and box[3] <= frame.bottom + 2
    )


def _crowd(panel: Panel, frame: Frame) -> Iterator[tuple[float, ...]]:
    """Yield small boxes around everything that a note should not hide."""
    for mark in panel.marks:
        if isinstance(mark, Bars):
            continue
        if isinstance(mark, Rule):
            x = frame.x_of(mark.at) if mark.along == "x" else frame.left
            y = frame.y_of(mark.at) if mark.along == "y" else frame.top
            yield (x - 2, y - 2, x + 2 if mark.along == "x" else frame.right,
                   y + 2 if mark.along == "y" else frame.bottom)  # fmt: skip
        elif isinstance(mark, Line | Points):
            places = [frame.at(spot.x, spot.y or 0.0) for spot in spots_of([mark])]
            yield from _whisker_boxes(mark, frame)
            yield from ((x - 5, y - 5, x + 5, y + 5) for x, y in places)
            if isinstance(mark, Line):
                yield from _along(places)


def _whisker_boxes(mark: Line | Points, frame: Frame) -> Iterator[tuple[float, ...]]:
    for spot in spots_of([mark]) if not isinstance(mark, Line) or mark.bounds == "bars" else ():
        x, y = frame.at(spot.x, spot.y or 0.0)
        upright, level = both_known(spot.low, spot.high), both_known(spot.left, spot.right)
        if upright:
            yield x - 2, frame.y_of(upright[1]), x + 2, frame.y_of(upright[0])
        if level:
            yield frame.x_of(level[0]), y - 2, frame.x_of(level[1]), y + 2


def _along(places: Sequence[tuple[float, float]]) -> Iterator[tuple[float, ...]]:
    """Yield boxes along the lines between places."""
    for (x0, y0), (x1, y1) in pairwise(places):
        parts = max(1, round(max(abs(x1 - x0), abs(y1 - y0)) / 8))
        for part in range(1, parts):
            x, y = x0 + (x1 - x0) * part / parts, y0 + (y1 - y0) * part / parts
            yield x - 2, y - 2, x + 2, y + 2
