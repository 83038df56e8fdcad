"""Charts as PNG files, drawn by matplotlib's Agg renderer from the scene of the SVG. The same scene gives the same bytes.

The renderer is driven directly: figures, axes and artists cost four times as much and draw the same pixels.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from evalkit.charts.palette import SHADES
from evalkit.charts.pictures import as_png
from evalkit.charts.scene import BOLD_KINDS, SIZES, Area, Item, Marker, Path, Scene, Text
from evalkit.charts.svg import MARKER_RADIUS, corners

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path as Outline
    from matplotlib.transforms import Affine2D

_PAD = 12.0
_DPI = 144
_SCALE = _DPI / 72
"""Pixels of the file for one of the scene: a size in points, as matplotlib takes it, is one in pixels of the scene."""
_DASHES: dict[str, tuple[float, ...]] = {"dashed": (5, 3), "dotted": (0.8, 2.5)}
"""Lengths of dashes and gaps, in widths of the line."""
_STROKES = {
    "grid": (1.0, 1.0), "axis": (1.0, 0.7), "rule": (1.25, 1.0), "line": (2.0, 1.0), "bar": (1.0, 1.0),
    "whisker": (1.5, 0.75), "cloud": (3.0, 0.55),
}  # fmt: skip
"""Width and opacity of each kind of path; as in ``charts.css``."""
_TEXT_SIZE = 0.92
"""Size of a text divided by that in SVG: the letters of DejaVu Sans are wide."""
_SETTINGS = ("text.hinting", "text.hinting_factor", "text.kerning_factor", "agg.path.chunksize", "path.simplify",
             "path.simplify_threshold", "path.snap", "path.sketch")  # fmt: skip
"""Settings that the renderer reads. Those of the user change no picture."""



def as_png_file(scene: Scene) -> bytes:
    """Return a laid out chart as PNG, in light colours."""
    import matplotlib as mpl

    usual: Any = {name: mpl.rcParamsDefault[name] for name in _SETTINGS}
    with mpl.rc_context(usual), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        canvas = _Canvas.of(scene)
        for item in scene.items:
            canvas.draw(item)
    return as_png(canvas.renderer.buffer_rgba(), canvas.width, canvas.height)


@dataclass(frozen=True, slots=True)
class _Canvas:
    """The pixels of one picture.

    Attributes
    ----------
    renderer
        The ``RendererAgg`` that draws.
    width, height
        In pixels of the file.
    from_scene
        Moves places of the scene to pixels, whose y points up.
    """

    renderer: Any
    width: int
    height: int
    from_scene: Affine2D

    @classmethod
    def of(cls, scene: Scene) -> _Canvas:
        """Return an empty canvas for a scene, in the colour of paper."""
        from matplotlib.backends.backend_agg import RendererAgg
        from matplotlib.transforms import Affine2D

        width, height = (int((side + 2 * _PAD) * _SCALE) for side in (scene.width, scene.height))
        from_scene = Affine2D().translate(_PAD, _PAD).scale(_SCALE, -_SCALE).translate(0.0, height)
        canvas = cls(RendererAgg(width, height, _DPI), width, height, from_scene)
        edges = ((-_PAD, -_PAD), (scene.width + _PAD, -_PAD), (scene.width + _PAD, scene.height + _PAD),
                 (-_PAD, scene.height + _PAD))  # fmt: skip
        canvas._area(Area("paper", edges, 1.0))
        return canvas

    def draw(self, item: Item) -> None:
        """Draw an item over those before it."""
        if isinstance(item, Path):
            self._path(item)
        elif isinstance(item, Area):
            self._area(item)
        elif isinstance(item, Marker):
            self._marker(item)
        else:
            self._write(item)

    def _path(self, path: Path) -> None:
        from matplotlib.path import Path as Outline

        width, opacity = _STROKES[path.kind]
        pen = self._pen(path.role, width, opacity)
        if path.kind == "cloud":
            pen.set_linewidth(0)
            pen.set_snap(False)
            radius = _of_size(width / 2 * _SCALE)
            places = Outline(path.places)
            self.renderer.draw_markers(
                pen, Outline.unit_circle(), radius, places, self.from_scene, _colour(path.role)
            )
            return
        if path.dash != "solid":
            pen.set_dashes(0, [width * part for part in _DASHES[path.dash]])
        pen.set_capstyle("butt" if path.dash != "solid" else "projecting")
        pen.set_joinstyle("round")
        self.renderer.draw_path(pen, Outline(path.places), self.from_scene)

    def _area(self, area: Area) -> None:
        pen = self._pen(area.role, 0.0, area.strength)
        self.renderer.draw_path(pen, _closed(area.places), self.from_scene, _colour(area.role))

    def _marker(self, marker: Marker) -> None:
        edge, width = ("paper", 1.0) if marker.filled else (marker.role, 1.75)
        pen = self._pen(edge, width, 1.0)
        pen.set_joinstyle("miter")
        fill = _colour(marker.role if marker.filled else "paper")
        if marker.shape != "circle":
            self.renderer.draw_path(pen, _closed(corners(marker)), self.from_scene, fill)
            return
        from matplotlib.path import Path as Outline

        place = _of_size(MARKER_RADIUS).translate(marker.x, marker.y) + self.from_scene
        self.renderer.draw_path(pen, Outline.unit_circle(), place, fill)

    def _write(self, text: Text) -> None:
        font = _font(SIZES[text.kind] * _TEXT_SIZE, bold=text.kind in BOLD_KINDS)
        x, y = ((at + _PAD) * _SCALE for at in (text.x, text.y))
        if text.anchor != "start":
            width, _, _ = self.renderer.get_text_width_height_descent(text.text, font, ismath=False)
            x -= width if text.anchor == "end" else width / 2
        self.renderer.draw_text(self._pen(text.role, 0.0, 1.0), x, y, text.text, font, 0.0)

    def _pen(self, role: str, width: float, opacity: float) -> Any:
        """Return a graphics context of matplotlib; `width` is in pixels of the scene."""
        pen = self.renderer.new_gc()
        pen.set_foreground(_colour(role), isRGBA=True)
        pen.set_alpha(opacity)
        pen.set_linewidth(width)
        return pen


@cache
def _colour(role: str) -> tuple[float, float, float, float]:
    """Return the light colour of a role as red, green, blue and opacity."""
    red, green, blue = bytes.fromhex(SHADES[role].light.removeprefix("#"))
    return red / 255, green / 255, blue / 255, 1.0


@cache
def _font(size: float, *, bold: bool) -> FontProperties:
    """Return the font of matplotlib's own files: one of the system may have other letters."""
    import matplotlib as mpl
    from matplotlib.font_manager import FontProperties

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return FontProperties(fname=f"{mpl.get_data_path()}/fonts/ttf/{name}", size=size)


def _closed(places: Sequence[tuple[float, float]]) -> Outline:
    from matplotlib.path import Path as Outline

    return Outline([*places, places[0]], closed=True)


def _of_size(size: float) -> Affine2D:
    from matplotlib.transforms import Affine2D

    return Affine2D().scale(size)
