"""Charts as PNG files, drawn by matplotlib from the same layout as the SVG. The same chart gives the same bytes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evalkit.charts.chart import Chart, Dash
from evalkit.charts.layout import lay_out
from evalkit.charts.palette import SHADES
from evalkit.charts.scene import BOLD_KINDS, SIZES, Area, Marker, Path, Scene, Text
from evalkit.charts.svg import FILE_SIZE, MARKER_RADIUS, corners

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PAD = 12.0
_PIXELS_PER_INCH = 72.0
"""So that a size in points, as matplotlib takes it, is one in pixels."""
_DPI = 144
_DASHES: dict[Dash, Any] = {"solid": "-", "dashed": (0, (5, 3)), "dotted": (0, (0.8, 2.5))}
_STROKES = {
    "grid": (1.0, 1.0), "axis": (1.0, 0.7), "rule": (1.25, 1.0), "line": (2.0, 1.0), "bar": (1.0, 1.0),
    "whisker": (1.5, 0.75), "cloud": (3.0, 0.55),
}  # fmt: skip
"""Width and opacity of each kind of path; as in ``charts.css``."""
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "text.parse_math": False,  # a name may contain dollar signs
    "backend": "agg",
}


def as_png_file(chart: Chart) -> bytes:
    """Return a chart with its title as PNG."""
    import matplotlib as mpl

    content = io.BytesIO()

    scene = lay_out(chart, *FILE_SIZE, titled=True)
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        _figure(scene).savefig(content, format="png", dpi=_DPI, metadata={"Software": None})
    return content.getvalue()


def _figure(scene: Scene) -> Figure:
    from matplotlib.figure import Figure

    width, height = scene.width + 2 * _PAD, scene.height + 2 * _PAD
    figure = Figure(figsize=(width / _PIXELS_PER_INCH, height / _PIXELS_PER_INCH), facecolor=_colour("paper"))
    axes: Any = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(-_PAD, width - _PAD)
    axes.set_ylim(height - _PAD, -_PAD)  # the y of a scene points down
    for place, item in enumerate(scene.items):
        if isinstance(item, Path):
            _draw_path(axes, item, place)
        elif isinstance(item, Area):
            _fill(axes, item.places, place, facecolor=_colour(item.role), alpha=item.strength, linewidth=0)
        elif isinstance(item, Marker):
            _draw_marker(axes, item, place)
        else:
            _write(axes, item, place)
    return figure


def _colour(role: str) -> str:
    return SHADES[role].light


def _draw_path(axes: Any, path: Path, order: int) -> None:
    width, opacity = _STROKES[path.kind]
    x, y = ([place[side] for place in path.places] for side in (0, 1))
    if path.kind == "cloud":
        axes.plot(x, y, "o", ms=width, mew=0, color=_colour(path.role), alpha=opacity, zorder=order)
    else:
        axes.plot(
            x, y, linestyle=_DASHES[path.dash], lw=width, color=_colour(path.role), alpha=opacity, zorder=order
        )  # fmt: skip


def _draw_marker(axes: Any, marker: Marker, order: int) -> None:
    look = (
        {"facecolor": _colour(marker.role), "edgecolor": _colour("paper"), "linewidth": 1.0}
        if marker.filled
        else {"facecolor": _colour("paper"), "edgecolor": _colour(marker.role), "linewidth": 1.75}
    )
    if marker.shape != "circle":
        _fill(axes, corners(marker), order, **look)
        return
    from matplotlib.patches import Circle

    axes.add_patch(Circle((marker.x, marker.y), MARKER_RADIUS, zorder=order, **look))


def _fill(axes: Any, places: Sequence[tuple[float, float]], order: int, **look: Any) -> None:
    from matplotlib.patches import Polygon

    axes.add_patch(Polygon(list(places), closed=True, zorder=order, **look))


def _write(axes: Any, text: Text, order: int) -> None:
    align = {"start": "left", "middle": "center", "end": "right"}[text.anchor]
    axes.text(
        text.x, text.y, text.text, ha=align, va="baseline", fontsize=SIZES[text.kind] * 0.92, zorder=order,
        color=_colour(text.role), weight="bold" if text.kind in BOLD_KINDS else "normal",
    )  # fmt: skip
