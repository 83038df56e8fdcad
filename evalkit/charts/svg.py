"""Charts as SVG: two sizes for a page that colours them by CSS variables, or a file that stands alone."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files

from evalkit.charts.chart import Chart
from evalkit.charts.layout import lay_out
from evalkit.charts.palette import SHADES, Shape, css_colours
from evalkit.charts.scene import SIZES, Area, Item, Marker, Path, Scene, Text
from evalkit.charts.stops import Stop, stops_of

WIDE = (540.0, 300.0)
NARROW_SIZE = (340.0, 260.0)
_FONT = "'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML does not allow."""
MARKER_RADIUS = 4.2
_SHAPES: dict[Shape, tuple[tuple[float, float], ...]] = {
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "diamond": ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
    "up": ((0, -1.2), (1.15, 0.9), (-1.15, 0.9)),
    "down": ((0, 1.2), (1.15, -0.9), (-1.15, -0.9)),
}
"""Corners of each shape in radii; a circle has none."""


def as_svg(chart: Chart, width: float, height: float, stops: Sequence[Stop], *, kind: str = "wide") -> str:
    """Return a chart as an ``<svg>`` element for a page with `page_css`.

    Parameters
    ----------
    width, height
        Size of its view box; see `lay_out`.
    stops
        Those of the chart; see `stops_of`.
    kind
        Its class: ``wide`` or ``narrow``, of which the page shows one.
    """
    scene = lay_out(chart, width, height, stops=stops)
    places = ";".join(
        " ".join([_number(stop.x), *dict.fromkeys(map(_number, stop.ys))]) for stop in scene.stops
    )
    guide = f"{_number(scene.top)} {_number(scene.bottom)}"
    return _element(chart, scene, f'class="plot {kind}" tabindex="0" data-guide="{guide}" data-at="{places}"')


def as_figure(chart: Chart) -> str:
    """Return both sizes of a chart with the text of its stops, for a ``<figure>``."""
    stops = stops_of(chart)
    texts = json.dumps([stop.lines for stop in stops], ensure_ascii=False, separators=(",", ":"))
    return (
        f'<div class="chart" data-by="{chart.stops_by}" data-stops="{escape(texts)}">'
        f"{as_svg(chart, *WIDE, stops)}{as_svg(chart, *NARROW_SIZE, stops, kind='narrow')}</div>"
    )


def as_svg_file(chart: Chart, scene: Scene) -> str:
    """Return a chart with its `file_scene` as a file of its own, in light colours."""
    style = (
        f"svg {{ {css_colours('light')} font-family: {_FONT}; background: var(--paper); }}\n{drawing_css()}"
    )
    pad = 12.0
    box = f"{-pad:g} {-pad:g} {_number(scene.width + 2 * pad)} {_number(scene.height + 2 * pad)}"
    size = f'width="{_number(scene.width + 2 * pad)}" height="{_number(scene.height + 2 * pad)}"'
    inside = (
        f"<style>\n{style}</style>\n<desc>{_escaped(chart.caption)}</desc>\n"
        f'<rect x="{-pad:g}" y="{-pad:g}" width="100%" height="100%" fill="{SHADES["paper"].light}"/>\n'
    )
    return _element(chart, scene, f'xmlns="http://www.w3.org/2000/svg" {size} class="plot"', inside, box)


@cache
def drawing_css() -> str:
    """Return the rules of all drawn items; colours are variables of the page."""
    return files("evalkit.charts").joinpath("charts.css").read_text(encoding="utf-8")


def page_css() -> str:
    """Return the rules of all drawn items with colours for light and dark pages and for print."""
    light, dark = css_colours("light"), css_colours("dark")
    return (
        f":root {{ {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
        f"@media print {{ :root {{ {light} }} }}\n{drawing_css()}"
    )


def _element(chart: Chart, scene: Scene, attributes: str, inside: str = "", box: str = "") -> str:
    view = box or f"0 0 {_number(scene.width)} {_number(scene.height)}"
    label = _escaped(f"{chart.title}. {chart.summary or chart.caption}")
    drawn = "\n".join(_drawn(item) for item in scene.items)
    return f'<svg viewBox="{view}" role="img" aria-label="{label}" {attributes}>\n{inside}{drawn}\n</svg>'


def _drawn(item: Item) -> str:
    if isinstance(item, Text):
        return _text(item)
    if isinstance(item, Marker):
        return _marker(item)
    if isinstance(item, Area):
        opacity = "" if item.strength == 1 else f' fill-opacity="{item.strength:g}"'
        return f'<path class="c-area r-{item.role}"{opacity} d="{_way(item.places)}Z"/>'
    return _path(item)


def _path(path: Path) -> str:
    dash = "" if path.dash == "solid" else f" c-{path.dash}"
    way = "".join(f"{_move(place)}h0" for place in path.places) if path.kind == "cloud" else _way(path.places)
    return f'<path class="c-{path.kind} r-{path.role}{dash}" d="{way}"/>'


def _text(text: Text) -> str:
    anchor = "" if text.anchor == "start" else f' text-anchor="{text.anchor}"'
    whole = f"<title>{_escaped(text.full)}</title>" if text.full and text.full != text.text else ""
    return (
        f'<text class="c-{text.kind} r-{text.role}" x="{_number(text.x)}" y="{_number(text.y)}"'
        f' font-size="{SIZES[text.kind]:g}"{anchor}>{whole}{_escaped(text.text)}</text>'
    )


def _marker(marker: Marker) -> str:
    look = f'class="{"c-dot" if marker.filled else "c-dot c-hollow"} r-{marker.role}"'
    if marker.shape == "circle":
        return f'<circle {look} cx="{_number(marker.x)}" cy="{_number(marker.y)}" r="{MARKER_RADIUS:g}"/>'
    return f'<path {look} d="{_way(corners(marker))}Z"/>'


def corners(marker: Marker) -> list[tuple[float, float]]:
    """Return the corners of a marker that is no circle."""
    return [(marker.x + MARKER_RADIUS * x, marker.y + MARKER_RADIUS * y) for x, y in _SHAPES[marker.shape]]


def _way(places: Sequence[tuple[float, float]]) -> str:
    """Return a path through places, without those that are drawn on the one before."""
    steps: list[str] = []
    for place in places:
        step = f"{_number(place[0])} {_number(place[1])}"
        if not steps or step != steps[-1]:
            steps.append(step)
    return f"M{'L'.join(steps)}"


def _move(place: tuple[float, float]) -> str:
    return f"M{_number(place[0])} {_number(place[1])}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _escaped(text: str) -> str:
    """Return text for XML; a forbidden character is replaced."""
    return escape(_FORBIDDEN.sub("\ufffd", text))
