"""Lay out a chart: margins, axes, names and marks, in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.charts.chart import NARROW, Axis, Chart, Panel, Tick
from evalkit.charts.frame import Frame, overlaps, x_span, y_span
from evalkit.charts.labels import (
    end_names,
    fit_at_ends,
    legend,
    names_of,
    notes,
    rule_labels,
)
from evalkit.charts.marks import draw_marks
from evalkit.charts.scales import ticks_of
from evalkit.charts.scene import SIZES, Item, Path, Scene, StopPlace, Text, room_of
from evalkit.charts.stops import Stop
from evalkit.charts.text_size import shorten, text_width, wrap

_LINE = 16.0
"""Height of a line of text."""
_CATEGORY = 28.0
"""Height of a category of the y axis."""
_BETWEEN = 14.0
"""Space between two panels."""
_AROUND = 76.0
"""Height of what is around the plot of a chart with one panel."""
_MORE = 0.6
"""Height of a further panel, as a share of the first one's."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the plot begins and ends, and the room for names to its right."""

    left: float
    right: float
    names: float


def lay_out(
    chart: Chart, width: float, height: float, *, titled: bool = False, stops: Sequence[Stop] = ()
) -> Scene:
    """Return a chart as a scene.

    Parameters
    ----------
    width, height
        Size of a chart with one panel and one row of names; other charts get higher.
    titled
        Whether the title is part of it.
    stops
        Those of the chart whose places are needed; see `stops_of`.
    """
    heights = _plot_heights(chart, height)
    at_ends = width >= NARROW and fit_at_ends(chart, heights)
    columns = _columns(chart, width, heights, at_ends=at_ends)
    items: list[Item] = []
    top = _title(chart, width, items) if titled else 2.0
    if not at_ends:
        named = names_of(chart)
        rows, used = legend(named if len(named) > 1 else [], 0.0, top, width)
        items += rows
        top += used + (4.0 if rows else 0.0)
    frames, bottom = _frames(chart, columns, heights, top, width, items)
    for panel, frame in zip(chart.panels, frames, strict=True):
        items += _y_axis(panel, frame, columns)
        items += draw_marks(panel, frame)
        items += notes(panel, frame)
        if at_ends:
            items += end_names(panel, frame, columns.names)
    return Scene(width, bottom, tuple(items), _stop_places(stops, frames), frames[0].top, frames[-1].bottom)


FILE_SIZE = (640.0, 360.0)


def file_scene(chart: Chart) -> Scene:
    """Return a chart with its title in the size of its files."""
    return lay_out(chart, *FILE_SIZE, titled=True)


def _plot_heights(chart: Chart, height: float) -> list[float]:
    """Return the height of each panel."""
    first = chart.panels[0].y
    if first.scale == "category":
        return [max(len(first.ticks), 1) * _CATEGORY + 8]
    plot = (height - _AROUND) * (1 + _MORE * (len(chart.panels) - 1))
    whole = sum(panel.share for panel in chart.panels)
    return [plot * panel.share / whole for panel in chart.panels]


def _columns(chart: Chart, width: float, heights: Sequence[float], *, at_ends: bool) -> _Columns:
    size = SIZES["tick"]
    widest = max(
        (
            text_width(tick.text, size)
            for panel, height in zip(chart.panels, heights, strict=True)
            for tick in ticks_of(panel.y, y_span(panel), _y_ticks(height))
        ),
        default=0.0,
    )
    left = min(widest, 0.4 * width) + 10
    if not at_ends:
        return _Columns(left, width - 16, 0.0)
    longest = max((text_width(name.text, room_of("name")) for name in names_of(chart)), default=0.0)
    names = min(longest, 0.3 * width) + 12 if longest else 16.0
    return _Columns(left, width - names, names)


def _y_ticks(height: float) -> int:
    return max(2, min(6, int(height // 34)))


def _title(chart: Chart, width: float, items: list[Item]) -> float:
    """Add the title, and return where it ends."""
    size = room_of("title")
    lines = wrap(chart.title, size, width)
    items += [Text("title", "ink", 0.0, 16 + 19 * place, line) for place, line in enumerate(lines)]
    return 19.0 * len(lines) + 10


def _frames(
    chart: Chart,
    columns: _Columns,
    heights: Sequence[float],
    top: float,
    width: float,
    items: list[Item],
) -> tuple[list[Frame], float]:
    """Return the frames of all panels and the lower end of the chart; add the labels of axes and rules."""
    x = x_span(chart)
    frames: list[Frame] = []
    for panel, height in zip(chart.panels, heights, strict=True):
        for line in wrap(panel.y.label, SIZES["axis-label"], width):
            items.append(Text("axis-label", "muted", 0.0, top + 12, line))
            top += _LINE
        if not frames:
            draft = Frame(columns.left, 0.0, columns.right - columns.left, height, x, y_span(panel))
            _, room = rule_labels(chart, draft, (columns.left, width))
            top += room
        top += 8
        frames.append(Frame(columns.left, top, columns.right - columns.left, height, x, y_span(panel)))
        top += height + _BETWEEN
    labels, _ = rule_labels(chart, frames[0], (columns.left, width))
    items += labels
    return frames, _x_axis(chart, frames, width, items)


def _x_axis(chart: Chart, frames: Sequence[Frame], width: float, items: list[Item]) -> float:
    """Add the x axis below the last panel, and return where it ends."""
    last, size = frames[-1], SIZES["tick"]
    ticks = x_ticks(chart.x, last, width)
    upright = chart.panels[0].y.scale == "category"
    for frame in frames:
        if upright:
            items += [
                Path("grid", "grid", ((last.x_of(tick.at), frame.top), (last.x_of(tick.at), frame.bottom)))
                for tick, _ in ticks
            ]
        items.append(Path("axis", "muted", ((frame.left, frame.bottom), (frame.right, frame.bottom))))
    for tick, start in ticks:
        items.append(
            Text(
                "tick",
                "muted",
                start + text_width(tick.text, size) / 2,
                last.bottom + 16,
                tick.text,
                "middle",
            )
        )
    top = last.bottom + 18
    for line in wrap(chart.x.label, SIZES["axis-label"], width - last.left):
        items.append(Text("axis-label", "muted", (last.left + last.right) / 2, top + 14, line, "middle"))
        top += _LINE
    return top + 6


def x_ticks(axis: Axis, frame: Frame, width: float) -> list[tuple[Tick, float]]:
    """Return the ticks that do not overlap, each with the left edge of its text; the last one is always kept."""
    size = SIZES["tick"]
    found: list[tuple[Tick, float]] = []
    boxes: list[tuple[float, ...]] = []
    ticks = ticks_of(axis, frame.x, max(2, min(8, int(frame.width // 44))))
    for tick in [*ticks[-1:], *ticks[:-1]]:
        text = text_width(tick.text, size)
        start = min(max(frame.x_of(tick.at) - text / 2, 0.0), width - text)
        box = (start - 5, 0.0, start + text + 5, 1.0)
        if not any(overlaps(box, one) for one in boxes):
            boxes.append(box)
            found.append((tick, start))
    return sorted(found, key=lambda one: one[0].at)


def _y_axis(panel: Panel, frame: Frame, columns: _Columns) -> list[Item]:
    items: list[Item] = []
    category = frame.y.scale == "category"
    size = SIZES["tick"]
    for tick in ticks_of(panel.y, frame.y, _y_ticks(frame.height)):
        y = frame.y_of(tick.at)
        if not category:
            items.append(Path("grid", "grid", ((frame.left, y), (frame.right, y))))
        text = shorten(tick.text, size, columns.left - 8)
        role = "ink" if category else "muted"
        items.append(Text("tick", role, frame.left - 6, y + 4, text, "end", tick.text))
    return items


def _stop_places(stops: Sequence[Stop], frames: Sequence[Frame]) -> tuple[StopPlace, ...]:
    return tuple(
        StopPlace(
            frames[0].x_of(stop.places[0][1]), tuple(frames[panel].y_of(y) for panel, _, y in stop.places)
        )
        for stop in stops
    )
